-- One row per committed batch of an app of which stored events may fall into [start, end), in the order in which they
-- were taken.
select batches.object_key, batches.etag, batches.sha256
from ingest.batches
join ingest.runs using (ingest_id)
where batches.app = %(app)s and runs.state = 'committed' and batches.stored > 0
    and batches.first_event < %(end)s and batches.last_event >= %(start)s
order by runs.started_at, batches.object_key
