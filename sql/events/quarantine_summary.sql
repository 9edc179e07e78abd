-- One row per reason and field of the app's refused lines that were not replayed, the most frequent first.
select reason, field, count(*) as lines, count(distinct sha256) as batches, min(object_key) as example
from ingest.quarantine
join ingest.runs using (ingest_id)
where quarantine.app = %(app)s and runs.state = 'committed' and replayed_at is null
group by reason, field
order by lines desc, reason, field
