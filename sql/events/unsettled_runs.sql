select ingest_id::text as ingest_id from ingest.runs where state = 'prepared' order by started_at
