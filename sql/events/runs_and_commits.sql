-- One row per committed run of the app, the newest first, at most `most`: the commit to the lake that it made or stands on.
select ingest_id::text as ingest_id, snapshot_id, sequence
from ingest.runs
where app = %(app)s and state = 'committed' and snapshot_id > 0
order by started_at desc
limit %(most)s
