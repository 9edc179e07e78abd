-- One row: how many keys of a family the index has, and how many of them expired before `now`.
-- Parameters: namespace, family, now.
select count(*) as keys, count(*) filter (where expires_at <= %(now)s) as expired
from cache.entries
where namespace = %(namespace)s and family = %(family)s
