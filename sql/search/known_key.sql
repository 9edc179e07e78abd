-- One row: the key that KV keeps for the longest time of an app (app), if it is beyond a moment (until). An application
-- of which the index knows no key has no row.
select key
from cache.entries
where namespace = %(app)s and expires_at > %(until)s
order by expires_at desc, key
limit 1
