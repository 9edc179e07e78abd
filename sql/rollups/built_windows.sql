-- One row a window of an app and grain that was built, and when last: those from `since` on, and the first of all.
select window_start, built_at
from rollups.windows
where app = %(app)s and grain = %(grain)s and org_tag = '' and built_at is not null
  and (
    window_start >= %(since)s
    or window_start = (
        select min(window_start)
        from rollups.windows
        where app = %(app)s and grain = %(grain)s and org_tag = '' and built_at is not null
    )
  )
