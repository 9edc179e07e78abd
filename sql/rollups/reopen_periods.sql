-- The weeks and months of a day that was just made again: what they were made of is gone. Said in the day's own
-- transaction, so that no kill comes between.
insert into rollups.windows (grain, window_start, wanted)
select grain, window_start, %(sequence)s
from unnest(%(grains)s::text[], %(windows)s::timestamptz[]) as reopened (grain, window_start)
order by grain, window_start
on conflict (grain, window_start, org_tag) do update
set wanted = greatest(windows.wanted, excluded.wanted), sequence = -1
