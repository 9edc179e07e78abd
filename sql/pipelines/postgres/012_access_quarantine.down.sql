-- Forgets which refused lines of access logs were replayed, and the checksums by which their bytes are found.
drop index ingest.quarantine_open;
create index quarantine_open on ingest.quarantine (reason) where replayed_at is null;
drop index ingest.runs_by_app_state_and_start;
create index runs_by_state_and_start on ingest.runs (state, started_at);
alter table cache.access_refusals drop column replayed_at;
alter table cache.access_objects drop column sha256;
