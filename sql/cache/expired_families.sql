-- One row a family of a namespace with keys that expired earlier than a moment (before): how many (keys), since when.
select family, count(*) as keys, min(expires_at) as since
from cache.entries
where namespace = %(namespace)s and expires_at < %(before)s
group by family
order by family
