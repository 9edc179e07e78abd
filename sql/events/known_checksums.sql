select distinct batches.sha256
from ingest.batches
join ingest.runs using (ingest_id)
where runs.state = 'committed' and batches.sha256 = any(%(checksums)s::text[])
