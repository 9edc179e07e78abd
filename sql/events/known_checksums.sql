-- One row per checksum, of the given checksums, that a batch of the app has which a committed run took.
select distinct batches.sha256
from ingest.batches
join ingest.runs using (ingest_id)
where batches.app = %(app)s and runs.state = 'committed' and batches.sha256 = any(%(checksums)s::text[])
