-- Forgets which doubles had another payload, and when the newest batch of each run had arrived.
alter table ingest.runs drop column arrived;
alter table ingest.batches drop column conflicting;
