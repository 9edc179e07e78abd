-- Of the listed objects (keys and etags, side by side), those that a committed run has taken.
select batches.object_key, batches.etag
from unnest(%(keys)s::text[], %(etags)s::text[]) as listed (object_key, etag)
join ingest.batches using (object_key, etag)
join ingest.runs using (ingest_id)
where runs.state = 'committed'
