-- Doubles whose payload is another one than that of the event that was stored first: `doubled` counts them too. And the
-- hour under which the newest batch of a run had arrived: listings start from it too, because the clock of one run may
-- have been ahead.
alter table ingest.batches
    add column conflicting bigint not null default 0 check (conflicting >= 0 and conflicting <= doubled);
alter table ingest.runs add column arrived timestamptz;
