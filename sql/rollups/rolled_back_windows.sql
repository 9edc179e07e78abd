-- One row an hour or day of an app that was built from a commit which is not in the lake's history (kept: the ids of its
-- snapshots), although its number is not below the oldest kept one (oldest), and was not built again since; or that a
-- commit after `fork` wanted (null where none of them was rolled back).
select distinct built.grain, built.window_start
from rollups.windows as built
left join rollups.windows as whole
    on whole.app = built.app and whole.grain = built.grain and whole.window_start = built.window_start
        and whole.org_tag = ''
where built.app = %(app)s and built.grain in ('hourly', 'daily')
  and (
    built.wanted > %(fork)s::bigint
    or built.sequence >= %(oldest)s and built.sequence >= coalesce(whole.sequence, -1)
        and built.snapshot_id is not null and built.snapshot_id <> all(%(kept)s::bigint[])
  )
order by built.grain, built.window_start
