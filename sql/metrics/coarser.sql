-- One row a metric and user of the windows ?1 (a JSON array of their starts), added up from the finer windows in
-- [?2, ?3).
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
