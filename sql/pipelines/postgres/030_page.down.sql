-- Forgets when batches landed, and how many requests stores were sent.
drop table health.requests;
alter table ingest.batches drop column landed_at;
