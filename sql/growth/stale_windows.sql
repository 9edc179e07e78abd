-- One row a window of a kind that must be made again, oldest first. Parameters: kind ('hour', 'day' or 'metrics'), until
-- (windows from this moment on are left to a later run).
select window_start
from pipelines.stale_windows
where kind = %(kind)s and window_start < %(until)s
order by window_start
