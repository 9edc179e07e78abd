-- One row: what became of the lines of the app's committed batches, or of those of one run (`ingest_id`).
select
    count(*) as batches,
    coalesce(sum(received), 0)::bigint as received,
    coalesce(sum(stored), 0)::bigint as stored,
    coalesce(sum(doubled), 0)::bigint as doubled,
    coalesce(sum(conflicting), 0)::bigint as conflicting,
    coalesce(sum(quarantined), 0)::bigint as quarantined,
    coalesce(sum(without_consent), 0)::bigint as without_consent
from ingest.batches
join ingest.runs using (ingest_id)
where batches.app = %(app)s and runs.state = 'committed'
  and (%(ingest_id)s::uuid is null or ingest_id = %(ingest_id)s::uuid)
