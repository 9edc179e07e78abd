-- One row a window of an app and grain that was built, and when last, from `since` on. `first` is the start of the first
-- window that was ever built, or hour of one: the first day may have failed, or was not reached, whose hours were built.
-- Parameters: app, grain, since.
select w.window_start, w.built_at, every.first
from (
    select min(window_start) as first
    from rollups.windows
    where app = %(app)s and grain in (%(grain)s, 'hourly') and org_tag = '' and built_at is not null
) as every
left join rollups.windows w
    on w.app = %(app)s and w.grain = %(grain)s and w.org_tag = '' and w.built_at is not null and w.window_start >= %(since)s
