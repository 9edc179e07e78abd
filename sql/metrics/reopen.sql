-- Marks the windows of the grain ?2 that contain the windows ?1 (a JSON array of their starts).
insert into stale_metrics (grain, windowStart)
select distinct ?2, $window
from (select value as windowStart from json_each(?1))
where true
on conflict (grain, windowStart) do nothing
