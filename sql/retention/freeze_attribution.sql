-- Days that are old enough, were made after everything that changed their events, hold what was written down when they
-- were made, and are credited: their credits stay as they are.
update attribution.windows as made
set pruned = true
where day < %(before)s::date and not pruned and version = %(attribution_version)s and credited >= changed
  and touches = (select count(*) from attribution.touches t where t.day = made.day)
  and conversions = (select count(*) from attribution.conversions c where c.day = made.day)
  and not exists (
    select from rollups.windows changed
    where changed.grain = 'daily' and changed.org_tag = '' and changed.wanted > made.sequence
      and changed.window_start = made.day::timestamp at time zone 'UTC'
  )
