-- Reopens weeks and months of an app (arrays grains, windows) because a day of theirs was built again, from the commit
-- `sequence`. It runs in the transaction of the day, so that no kill comes between. Ordered, so that no two
-- transactions wait for each other.
insert into rollups.windows (app, grain, window_start, wanted)
select %(app)s, grain, window_start, %(sequence)s
from unnest(%(grains)s::text[], %(windows)s::timestamptz[]) as reopened (grain, window_start)
order by grain, window_start
on conflict (app, grain, window_start, org_tag) do update
set wanted = greatest(windows.wanted, excluded.wanted), sequence = -1
