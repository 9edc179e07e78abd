-- KV has dropped these by itself, whatever was in them.
delete from cache.entries where namespace = %(namespace)s and expires_at <= %(now)s
