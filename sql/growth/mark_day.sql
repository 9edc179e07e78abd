-- Marks every window of a UTC day, so that it is made again. Parameters: day (the moment at which it begins).
insert into pipelines.stale_windows (kind, window_start)
select 'hour', hour
from generate_series(%(day)s::timestamptz, %(day)s::timestamptz + interval '23 hours', interval '1 hour') as hour
union all
values ('day', %(day)s::timestamptz), ('metrics', %(day)s::timestamptz)
on conflict (kind, window_start) do nothing
