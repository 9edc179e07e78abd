-- Marks a prepared run (ingest_id) of an app as committed at a moment, with its commit to the lake (snapshot_id, sequence),
-- or the newest one that it saw where it stored nothing.
-- Changes no row where the run was forgotten or is committed.
update ingest.runs
set state = 'committed', committed_at = %(at)s, snapshot_id = %(snapshot_id)s,
    sequence = %(sequence)s
where app = %(app)s and ingest_id = %(ingest_id)s and state = 'prepared'
