-- One row an object (arrays keys, etags) that a committed run of an app (app) ingested with these bytes: key.
select batches.object_key as key
from unnest(%(keys)s::text[], %(etags)s::text[]) as listed (object_key, etag)
join ingest.batches using (object_key, etag)
join ingest.runs using (ingest_id)
where batches.app = %(app)s and runs.state = 'committed'
