-- Marks a prepared run of an app as committed, with its snapshot of the lake. Changes no row where the run was forgotten
-- or is committed.
update ingest.runs
set state = 'committed', committed_at = %(at)s, snapshot_id = %(snapshot_id)s
where app = %(app)s and ingest_id = %(ingest_id)s and state = 'prepared'
