-- Marks the windows of a UTC day, so that they are made again; one row is a window that was not marked yet.
-- Parameters: day (the moment at which it begins), kinds (which windows: hour, day, metrics).
insert into pipelines.stale_windows (kind, window_start)
select kind, window_start
from (
    select 'hour' as kind, hour as window_start
    from generate_series(%(day)s::timestamptz, %(day)s::timestamptz + interval '23 hours', interval '1 hour') as hour
    union all
    values ('day', %(day)s::timestamptz), ('metrics', %(day)s::timestamptz)
) as windows
where kind = any(%(kinds)s)
on conflict (kind, window_start) do nothing
