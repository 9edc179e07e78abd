-- Deletes the index of an app's keys (namespace) that have expired by now, because KV dropped them by itself.
delete from cache.entries where namespace = %(namespace)s and expires_at <= %(now)s
