-- One row per committed batch of the app, or of one run (`ingest_id`), whose counts do not add up. There must be none.
select object_key, received, stored, doubled, quarantined, without_consent
from ingest.batches
join ingest.runs using (ingest_id)
where batches.app = %(app)s and runs.state = 'committed'
  and (%(ingest_id)s::uuid is null or ingest_id = %(ingest_id)s::uuid)
  and received <> stored + doubled + quarantined + without_consent
order by object_key
limit 100
