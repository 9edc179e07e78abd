-- Marks lines of an app's access log (objects and lines, side by side) as replayed at a moment.
update cache.access_refusals
set replayed_at = %(at)s
from unnest(%(objects)s::text[], %(lines)s::integer[]) as replayed (object, line)
where
    namespace = %(app)s and access_refusals.object = replayed.object and access_refusals.line = replayed.line
    and replayed_at is null
