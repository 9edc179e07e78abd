-- Removes the marks of windows that the same transaction has made; one row is a mark.
-- Parameters: kind ('hour', 'day' or 'metrics'), windows (the moments at which they begin).
delete from pipelines.stale_windows
where kind = %(kind)s and window_start = any(%(windows)s::timestamptz[])
