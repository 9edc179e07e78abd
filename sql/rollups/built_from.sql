-- One row a window of an app and grain (array windows) that was built for all organisations by a version: the snapshot
-- that it was built from.
select snapshot_id
from rollups.windows
where app = %(app)s and grain = %(grain)s and org_tag = '' and window_start = any(%(windows)s::timestamptz[])
  and built_at is not null and version = %(version)s and snapshot_id is not null
