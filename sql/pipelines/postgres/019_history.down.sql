-- Forgets the sequence numbers of the lake's commits.
alter table rollups.followed drop column sequence;
alter table ingest.runs drop column sequence;
