-- Refused lines of access logs can be replayed: their bytes lie in R2 under the checksum of their object. It is null for
-- objects that were counted before bytes were kept.
alter table cache.access_objects add column sha256 text;
alter table cache.access_refusals add column replayed_at timestamptz;

-- What is asked of the ledger of ingestion is asked of one app.
drop index ingest.runs_by_state_and_start;
create index runs_by_app_state_and_start on ingest.runs (app, state, started_at);
drop index ingest.quarantine_open;
create index quarantine_open on ingest.quarantine (app, reason) where replayed_at is null;
