select count(*) as keys, count(*) filter (where expires_at <= %(now)s) as expired
from cache.entries
where namespace = %(namespace)s and family = %(family)s
