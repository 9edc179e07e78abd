-- One row: in how many hours the count of the details differs from the metrics that count their rows for a
-- user, and how many counts were compared. Stale hours are left out.
with details (windowStart, userId, metric, entries) as (
    $details
),

made (windowStart, userId, metric, entries) as (
    select windowStart, userId, metric, entries
    from ($metrics)
    where metric in ($names) and userId <> ''
)

select
    count(distinct windowStart) as windows,
    (select count(*) from details) as compared
from (
    select * from (select * from details except select * from made)
    union all
    select * from (select * from made except select * from details)
)
where windowStart not in (select windowStart from stale_metrics where grain = 'hourly')
