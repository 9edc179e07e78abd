-- Locks the row of one week or month (app, grain, window), and makes it where it is missing. It runs before the days are
-- read, so that a day that is built meanwhile waits before it reopens the period.
insert into rollups.windows (app, grain, window_start)
values (%(app)s, %(grain)s, %(window)s)
on conflict (app, grain, window_start, org_tag) do update set grain = excluded.grain
