-- Marks the days of an app's (app) sessions before `before` as pruned that agree: they were made after everything that
-- changed their events, and hold as many sessions as was written down then. sessions_version: of the rules;
-- sessions_before, sessions_after: days of events around a day that its sessions are made of.
update sessions.windows as made
set pruned = true
where app = %(app)s and day < %(before)s::date and not pruned and version = %(sessions_version)s
  and tracker = (
    select count(*) from sessions.daily s where s.app = made.app and s.day = made.day and s.origin = 'tracker'
  )
  and recomputed = (
    select count(*) from sessions.daily s where s.app = made.app and s.day = made.day and s.origin = 'recomputed'
  )
  and not exists (
    select from rollups.windows changed
    where changed.app = made.app and changed.grain = 'daily' and changed.org_tag = ''
      and changed.wanted > made.sequence
      and changed.window_start >= (made.day - %(sessions_before)s::integer)::timestamp at time zone 'UTC'
      and changed.window_start <= (made.day + %(sessions_after)s::integer)::timestamp at time zone 'UTC'
  )
