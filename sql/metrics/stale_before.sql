-- One row a grain that has stale windows before ?: the first of them, and how many.
select grain, min(windowStart) as windowStart, count(*) as windows
from stale_metrics
where windowStart < ?
group by grain
order by grain
