-- Hours and users whose counted sessions and points are not what their hourly metrics say; stale hours are left out.
with detail (windowStart, userId, metric, entries) as (
    select substr(timestamp, 1, 13) || ':00:00.000Z', userId, 'sessions', count(*)
    from ($sessions)
    group by 1, 2

    union all

    select substr(at, 1, 13) || ':00:00.000Z', userId, 'points', count(*)
    from ($points)
    group by 1, 2
),

made (windowStart, userId, metric, entries) as (
    select windowStart, userId, metric, entries
    from ($metrics)
    where metric in ('sessions', 'points') and userId <> ''
)

select
    count(distinct windowStart) as windows,
    (select count(*) from detail) as compared
from (
    select * from (select * from detail except select * from made)
    union all
    select * from (select * from made except select * from detail)
)
where windowStart not in (select windowStart from stale_metrics where grain = 'hourly')
