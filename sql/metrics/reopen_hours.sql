-- Marks the hours of rows that came back as to be made again, but for hours whose metrics are kept as they are. ?1: JSON
-- array of the rows' times.
insert into stale_metrics (grain, windowStart)
select distinct 'hourly', substr(value, 1, 13) || ':00:00.000Z'
from json_each(?1)
where value >= coalesce((select place from job_places where job = 'metrics.kept'), '')
on conflict (grain, windowStart) do nothing
