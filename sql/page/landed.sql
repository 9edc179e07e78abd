-- One row a batch of an app that landed since a moment (since), was taken and has events that were stored: when it landed
-- and when its run was committed, in order of landing.
select batches.landed_at, runs.committed_at
from ingest.batches
join ingest.runs using (ingest_id)
where batches.app = %(app)s and runs.state = 'committed' and batches.landed_at >= %(since)s and batches.stored > 0
order by batches.landed_at
