-- One row an app and a family of keys in the index of KV: its keys and bytes, how many keys have expired at a moment (now),
-- when one was written last, and the reads and hits since a day (since).
with read as (
    select namespace, family, sum(reads) as reads, sum(hits) as hits
    from cache.reads
    where day >= %(since)s
    group by namespace, family
)
select
    entries.namespace as app, entries.family, count(*) as keys, sum(entries.bytes)::bigint as bytes,
    count(*) filter (where entries.expires_at <= %(now)s) as expired, max(entries.written_at) as written,
    coalesce(min(read.reads), 0)::bigint as reads, coalesce(min(read.hits), 0)::bigint as hits
from cache.entries
left join read using (namespace, family)
group by entries.namespace, entries.family
order by entries.namespace, entries.family
