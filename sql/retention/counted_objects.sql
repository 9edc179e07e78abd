select object
from cache.access_objects
where namespace = %(namespace)s and object = any(%(objects)s::text[])
