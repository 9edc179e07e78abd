-- Forgets ranges and requests.
alter table ads.sync_runs drop column requests;
drop table ads.sync_ranges;
