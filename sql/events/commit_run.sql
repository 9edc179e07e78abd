-- Marks a prepared run (ingest_id) of an app as committed at a moment, with its snapshot of the lake (snapshot_id).
-- Changes no row where the run was forgotten or is committed.
update ingest.runs
set state = 'committed', committed_at = %(at)s, snapshot_id = %(snapshot_id)s
where app = %(app)s and ingest_id = %(ingest_id)s and state = 'prepared'
