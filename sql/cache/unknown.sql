-- Marks the values of keys (keys) of an app (namespace) as unknown, so that the next warming writes or deletes them.
update cache.entries set hash = '' where namespace = %(namespace)s and key = any(%(keys)s)
