-- One row: reads and hits of an app (namespace) since a day, of one family or of all.
select coalesce(sum(reads), 0) as reads, coalesce(sum(hits), 0) as hits
from cache.reads
where
    namespace = %(namespace)s and day >= %(since)s
    and (%(family)s::text is null or family = %(family)s)
