update ingest.runs
set state = 'committed', committed_at = %(at)s, snapshot_id = %(snapshot_id)s
where ingest_id = %(ingest_id)s and state = 'prepared'
