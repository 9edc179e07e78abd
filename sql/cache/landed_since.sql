-- One row a batch of an app with stored events of a day or later, whose run was committed after `since` and not after
-- `through`: when it landed.
select batches.landed_at
from ingest.batches
join ingest.runs using (ingest_id)
where batches.app = %(app)s and runs.state = 'committed' and batches.landed_at is not null
  and batches.last_event >= %(day)s
  and runs.committed_at > %(since)s and runs.committed_at <= %(through)s
