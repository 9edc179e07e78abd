-- One row: when the last committed run of the app started; null where there is none.
select max(started_at) as started_at from ingest.runs where app = %(app)s and state = 'committed'
