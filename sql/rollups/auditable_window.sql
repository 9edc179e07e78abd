-- A window to count again: at random among the recent ones that were built whole, under this version.
select window_start, snapshot_id
from rollups.windows
where grain = %(grain)s and org_tag = '' and version = %(version)s
  and window_start >= %(since)s
  and snapshot_id = any(%(kept)s::bigint[])
order by random()
limit 1
