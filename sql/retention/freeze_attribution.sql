-- Marks the days of an app's (app) attribution before `before` as pruned that agree: they were made after everything
-- that changed their events, hold as much as was written down then, and are credited. attribution_version: of the
-- rules.
update attribution.windows as made
set pruned = true
where app = %(app)s and day < %(before)s::date and not pruned and version = %(attribution_version)s
  and credited >= changed
  and touches = (select count(*) from attribution.touches t where t.app = made.app and t.day = made.day)
  and conversions = (select count(*) from attribution.conversions c where c.app = made.app and c.day = made.day)
  and not exists (
    select from rollups.windows changed
    where changed.app = made.app and changed.grain = 'daily' and changed.org_tag = ''
      and changed.wanted > made.sequence
      and changed.window_start = made.day::timestamp at time zone 'UTC'
  )
