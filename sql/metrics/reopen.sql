insert into stale_metrics (grain, windowStart)
select distinct ?2, $window
from (select value as windowStart from json_each(?1))
where true
on conflict (grain, windowStart) do nothing
