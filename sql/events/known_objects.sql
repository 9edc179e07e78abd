-- One row per listed object (keys and etags, side by side) that a committed run of the app has taken.
select batches.object_key, batches.etag
from unnest(%(keys)s::text[], %(etags)s::text[]) as listed (object_key, etag)
join ingest.batches using (object_key, etag)
join ingest.runs using (ingest_id)
where batches.app = %(app)s and runs.state = 'committed'
