-- One row per run of the app that is prepared and not committed, the oldest first.
select ingest_id::text as ingest_id from ingest.runs where app = %(app)s and state = 'prepared' order by started_at
