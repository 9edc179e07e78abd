-- Forgets ranges and requests.
alter table ads.sync_runs drop column requests;
alter table ads.sync_state drop column longest_days_at, drop column longest_days;
