-- One row: a window of app and grain to count again, and the snapshot that it was built from. It is a random one from
-- `since` on that was built for all organisations, by this version, from a snapshot in `kept`. Windows with an
-- organisation that was built from a later commit are left out.
select window_start, snapshot_id
from rollups.windows as whole
where app = %(app)s and grain = %(grain)s and org_tag = '' and version = %(version)s
  and window_start >= %(since)s
  and snapshot_id = any(%(kept)s::bigint[])
  and not exists (
      select from rollups.windows as part
      where part.app = whole.app and part.grain = whole.grain and part.window_start = whole.window_start
        and part.sequence > whole.sequence
  )
order by random()
limit 1
