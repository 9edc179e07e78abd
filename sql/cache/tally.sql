-- One row: how many keys there are of each outcome. A key that is left out and expires soon still holds the right value.
select
    (select count(*) from cache_wanted) as wanted,
    (select coalesce(sum(bytes), 0)::bigint from cache_wanted) as bytes,
    count(*) filter (where chosen and reason = 'new') as new,
    count(*) filter (where chosen and reason = 'changed') as changed,
    count(*) filter (where chosen and reason = 'renewed') as renewed,
    count(*) filter (where not chosen) as left_out,
    count(*) filter (where not chosen and reason <> 'renewed') as left_wrong,
    count(*) filter (where reason <> 'renewed') as wrong_before,
    max(written_at) filter (where chosen) as written_last
from cache_due
