-- One row: in how many windows of [?1, ?2) the metrics of the grain ?3 differ from the finer windows added up, and how
-- many rows were compared. Stale windows are left out.
with finer (windowStart, userId, metric, entries, total, least, most) as (
    select $window, userId, metric, sum(entries), sum(total), min(least), max(most)
    from ($finer)
    group by 1, 2, 3
),

made (windowStart, userId, metric, entries, total, least, most) as (
    select windowStart, userId, metric, entries, total, least, most
    from $metrics
    where windowStart >= ?1 and windowStart < ?2
)

select
    count(distinct windowStart) as windows,
    (select count(*) from finer) as compared
from (
    select * from (select * from finer except select * from made)
    union all
    select * from (select * from made except select * from finer)
)
where windowStart not in (select windowStart from stale_metrics where grain = ?3)
