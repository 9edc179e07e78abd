-- Writes down what becomes of refused lines of an app's access log (objects and lines, side by side): the folder that
-- they land in again (replayed_as), and when they are closed (replayed_at; null for lines that are not).
update cache.access_refusals
set replayed_as = %(replayed_as)s, replayed_at = %(replayed_at)s
from unnest(%(objects)s::text[], %(lines)s::integer[]) as changed (object, line)
where
    namespace = %(app)s and access_refusals.object = changed.object and access_refusals.line = changed.line
