-- Forgets which commits of streams landed; the receipts of the landing zone still know their batches.
drop table ingest.streamed;
