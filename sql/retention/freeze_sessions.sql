-- Days of sessions that are old enough, were made after everything that changed their events, and hold as many sessions
-- as was written down when they were made.
update sessions.windows as made
set pruned = true
where day < %(before)s::date and not pruned and version = %(sessions_version)s
  and tracker = (select count(*) from sessions.daily s where s.day = made.day and s.origin = 'tracker')
  and recomputed = (select count(*) from sessions.daily s where s.day = made.day and s.origin = 'recomputed')
  and not exists (
    select from rollups.windows changed
    where changed.grain = 'daily' and changed.org_tag = '' and changed.wanted > made.sequence
      and changed.window_start >= (made.day - %(sessions_before)s::integer)::timestamp at time zone 'UTC'
      and changed.window_start <= (made.day + %(sessions_after)s::integer)::timestamp at time zone 'UTC'
  )
