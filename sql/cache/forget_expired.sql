-- Deletes the keys of the namespace that KV has removed by itself, because they expired before `now`.
delete from cache.entries where namespace = %(namespace)s and expires_at <= %(now)s
