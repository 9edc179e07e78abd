-- One row: reads and hits of the namespace since a day, of one family or (null) of all keys.
select coalesce(sum(reads), 0) as reads, coalesce(sum(hits), 0) as hits
from cache.reads
where
    namespace = %(namespace)s and day >= %(since)s
    and (%(family)s::text is null or family = %(family)s)
