-- Batches whose lines are not all accounted for. None is the only right answer.
select object_key, received, stored, doubled, quarantined, without_consent
from ingest.batches
join ingest.runs using (ingest_id)
where runs.state = 'committed'
  and (%(ingest_id)s::uuid is null or ingest_id = %(ingest_id)s::uuid)
  and received <> stored + doubled + quarantined + without_consent
order by object_key
limit 100
