-- One row a key (keys) of a namespace that the cache no longer has.
delete from cache.entries
where namespace = %(namespace)s and key = any(%(keys)s::text[])
