-- One row: how many lines of an app's access log were counted of the objects of a folder (folder).
select coalesce(sum(lines - refused), 0)::bigint as lines
from cache.access_objects
where namespace = %(app)s and starts_with(object, %(folder)s || '/')
