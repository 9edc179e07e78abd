-- Marks windows of an app as wanted from the commit that changed them, whether they were built before or not. Arrays, one
-- entry a change: grains, windows, sequences, added (rows). Rows that a build has seen already are not pending. Rows are
-- locked in the order of the builds, so that no two transactions wait for each other.
insert into rollups.windows (app, grain, window_start, wanted, pending)
select %(app)s, changed.grain, changed.window_start, max(changed.sequence),
    coalesce(sum(changed.added) filter (where changed.sequence > coalesce(known.sequence, -1)), 0)
from unnest(%(grains)s::text[], %(windows)s::timestamptz[], %(sequences)s::bigint[], %(added)s::bigint[])
    as changed (grain, window_start, sequence, added)
left join rollups.windows as known
    on known.app = %(app)s and known.grain = changed.grain and known.window_start = changed.window_start
        and known.org_tag = ''
group by changed.grain, changed.window_start
order by changed.grain, changed.window_start
on conflict (app, grain, window_start, org_tag) do update
set wanted = greatest(windows.wanted, excluded.wanted),
    pending = windows.pending + excluded.pending
