-- One row: the keys of a family in the index, those of them that it calls present and current at `now`, those that the
-- listing judged, and what it found. Parameters: namespace (the app's name), family, now.
select
    entries.keys,
    entries.current,
    judged.judged,
    judged.missing,
    judged.overwritten
from (
    select
        count(*) as keys,
        count(*) filter (where hash <> '' and expires_at > %(now)s) as current
    from cache.entries
    where namespace = %(namespace)s and family = %(family)s
) as entries
cross join (
    select
        count(*) as judged,
        count(*) filter (where outcome = 'missing') as missing,
        count(*) filter (where outcome = 'overwritten') as overwritten
    from cache_judged
) as judged
