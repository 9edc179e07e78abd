-- One row an object (arrays keys, etags) that a committed run of an app (app) ingested with these bytes: key; held_back
-- says why it stays: it was refused as a whole before such objects were copied to quarantine.
select
    batches.object_key as key,
    case when exists (
        select from ingest.quarantine as refused
        where refused.app = batches.app and refused.sha256 = batches.sha256
            and refused.line = 0 and not refused.kept and refused.replayed_at is null
    ) then 'refused as a whole, and its only bytes: clearlift quarantine list' end as held_back
from unnest(%(keys)s::text[], %(etags)s::text[]) as listed (object_key, etag)
join ingest.batches using (object_key, etag)
join ingest.runs using (ingest_id)
where batches.app = %(app)s and runs.state = 'committed'
