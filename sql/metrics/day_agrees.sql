-- One row if the day [?2, ?3) agrees: no hour or day before ?3 is stale, the day's hours ?1 (a JSON array)
-- equal the count of the details, and the day equals the sum of its hours. Else no row.
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
    from $daily
    where windowStart = ?2
)

select $answer
where
    not exists (select 1 from stale_metrics where grain in ('hourly', 'daily') and windowStart < ?3)
    and not exists (select * from counted except select * from hours)
    and not exists (select * from hours except select * from counted)
    and not exists (select * from added except select * from days)
    and not exists (select * from days except select * from added)
