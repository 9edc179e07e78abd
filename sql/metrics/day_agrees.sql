-- A row ($answer) where no hour or day up to the end of a day is stale, the day's hours are what its sessions and points
-- are counted to, and the day is what its hours add up to; no row where one of these is not so.
with counted (windowStart, userId, metric, entries, total, least, most) as materialized (
    $hourly
),

hours (windowStart, userId, metric, entries, total, least, most) as materialized (
    select windowStart, userId, metric, entries, total, least, most
    from $metrics
    where windowStart >= ?2 and windowStart < ?3
),

added (userId, metric, entries, total, least, most) as materialized (
    select userId, metric, sum(entries), sum(total), min(least), max(most)
    from hours
    group by userId, metric
),

days (userId, metric, entries, total, least, most) as materialized (
    select userId, metric, entries, total, least, most
    from metrics_daily
    where windowStart = ?2
)

select $answer
where
    not exists (select 1 from stale_metrics where grain in ('hourly', 'daily') and windowStart < ?3)
    and not exists (select * from counted except select * from hours)
    and not exists (select * from hours except select * from counted)
    and not exists (select * from added except select * from days)
    and not exists (select * from days except select * from added)
