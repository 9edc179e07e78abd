-- Changed windows, built before or not, are wanted as of the commit that changed them. What a build has seen already is
-- not pending. In order, as builds lock them, so that no two wait for each other.
insert into rollups.windows (grain, window_start, wanted, pending)
select changed.grain, changed.window_start, max(changed.sequence),
    coalesce(sum(changed.added) filter (where changed.sequence > coalesce(known.sequence, -1)), 0)
from unnest(%(grains)s::text[], %(windows)s::timestamptz[], %(sequences)s::bigint[], %(added)s::bigint[])
    as changed (grain, window_start, sequence, added)
left join rollups.windows as known
    on known.grain = changed.grain and known.window_start = changed.window_start and known.org_tag = ''
group by changed.grain, changed.window_start
order by changed.grain, changed.window_start
on conflict (grain, window_start, org_tag) do update
set wanted = greatest(windows.wanted, excluded.wanted),
    pending = windows.pending + excluded.pending
