-- One row an object (array keys) of an app's (app) access log that was counted: key; held_back is always null, because
-- its refused lines are kept no longer than it.
select object as key, null::text as held_back
from cache.access_objects
where namespace = %(app)s and object = any(%(keys)s::text[])
