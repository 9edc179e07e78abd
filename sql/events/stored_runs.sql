-- One row per committed run of the app that stored events, the newest first, at most `most`: the commit to the lake.
select ingest_id::text as ingest_id, snapshot_id, sequence
from ingest.runs
where app = %(app)s and state = 'committed' and snapshot_id > 0
order by started_at desc
limit %(most)s
