-- The sequence number of a commit in the lake's history stands beside its snapshot's id: a snapshot that is not kept any
-- more expired if its number is below the oldest kept one, else it was rolled back. Null: of a commit before this.
alter table ingest.runs add column sequence bigint;
alter table rollups.followed add column sequence bigint;
