-- Takes a period's row, before its days are read: a day that is made again meanwhile waits with reopening it.
insert into rollups.windows (grain, window_start)
values (%(grain)s, %(window)s)
on conflict (grain, window_start, org_tag) do update set grain = excluded.grain
