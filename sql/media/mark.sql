-- Records uploads of the app as wanted or gone: one row a key.
-- Parameters: app, at, and of each upload its entry in the arrays keys, etags, states, reasons.
insert into media.images (app, object_key, etag, state, reason, changed_at)
select %(app)s, marked.object_key, marked.etag, marked.state, marked.reason, %(at)s
from unnest(%(keys)s::text[], %(etags)s::text[], %(states)s::text[], %(reasons)s::text[])
    as marked (object_key, etag, state, reason)
on conflict (app, object_key) do update
set etag = excluded.etag, state = excluded.state, reason = excluded.reason, changed_at = excluded.changed_at
