-- The metrics of some windows (a JSON array of their starts) of those of the finer windows in them.
insert into $metrics (windowStart, userId, metric, entries, total, least, most)
select
    $window,
    userId,
    metric,
    sum(entries),
    sum(total),
    min(least),
    max(most)
from $finer
where windowStart >= ?2 and windowStart < ?3 and $window in (select value from json_each(?1))
group by 1, 2, 3
