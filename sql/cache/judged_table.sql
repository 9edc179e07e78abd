-- One row per key of the index that a listing can judge: what became of it. Lives as long as the transaction.
create temporary table cache_judged (
    key     text not null,
    outcome text not null check (outcome in ('held', 'missing', 'overwritten'))
) on commit drop
