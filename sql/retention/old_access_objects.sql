-- One row a counted object of an app's (app) access log that was counted before `before`: row_id; held_back says why it
-- stays. listed: the array of the keys that R2 still holds.
select
    t.ctid as row_id,
    case when t.object = any(%(listed)s::text[]) then 'the object is still there' end as held_back
from cache.access_objects as t
where t.namespace = %(app)s and t.ingested_at < %(before)s
