-- Changed windows, built before or not, are wanted as of the commit that changed them.
insert into rollups.windows (grain, window_start, wanted)
select grain, window_start, max(sequence)
from unnest(%(grains)s::text[], %(windows)s::timestamptz[], %(sequences)s::bigint[])
    as changed (grain, window_start, sequence)
group by grain, window_start
on conflict (grain, window_start, org_tag) do update
set wanted = greatest(windows.wanted, excluded.wanted)
