select max(started_at) as started_at from ingest.runs where state = 'committed'
