-- One row an object (array keys) of an app's (app) access log that was counted: key.
select object as key
from cache.access_objects
where namespace = %(app)s and object = any(%(keys)s::text[])
