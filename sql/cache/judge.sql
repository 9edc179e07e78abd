-- Compares what the index has of a family with the listing in cache_found: one row per key whose value is known, which
-- was written before `written_before` (a younger write may not be listed yet) and lives after `expires_after`.
-- Parameters: namespace (the app's name), family, written_before, expires_after.
insert into cache_judged (key, outcome)
select
    entries.key,
    case
        when found.key is null then 'missing'
        when found.digest is distinct from entries.hash then 'overwritten'
        else 'held'
    end as outcome
from cache.entries
left join cache_found as found on found.key = entries.key
where
    entries.namespace = %(namespace)s and entries.family = %(family)s
    and entries.hash <> ''
    and entries.written_at < %(written_before)s and entries.expires_at > %(expires_after)s
