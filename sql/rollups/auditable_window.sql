-- A window to count again: at random among the recent ones that were built whole, under this version, and of which no
-- organisation was made anew from a later commit.
select window_start, snapshot_id
from rollups.windows as whole
where grain = %(grain)s and org_tag = '' and version = %(version)s
  and window_start >= %(since)s
  and snapshot_id = any(%(kept)s::bigint[])
  and not exists (
      select from rollups.windows as part
      where part.grain = whole.grain and part.window_start = whole.window_start and part.sequence > whole.sequence
  )
order by random()
limit 1
