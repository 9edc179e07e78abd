select grain, min(windowStart) as windowStart, count(*) as windows
from stale_metrics
where windowStart < ?
group by grain
order by grain
