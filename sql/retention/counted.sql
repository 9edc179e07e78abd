-- One row a window in [start, end) that the roll-ups hold of an app's (app) organisation (org): its grain and cut, its
-- start, its events. The widest cut and the totals of hours and days.
select 'hourly' as grain, hour as window_start, sum(events)::bigint as events
from rollups.hourly
where app = %(app)s and org_tag = %(org)s and hour >= %(start)s and hour < %(end)s
group by hour
union all
select 'hourly_totals', hour, events
from rollups.hourly_totals
where app = %(app)s and org_tag = %(org)s and hour >= %(start)s and hour < %(end)s
union all
select 'daily', day::timestamp at time zone 'UTC', sum(events)::bigint
from rollups.daily
where app = %(app)s and org_tag = %(org)s and day >= %(start)s::date and day < %(end)s::date
group by day
union all
select 'daily_totals', day::timestamp at time zone 'UTC', events
from rollups.daily_totals
where app = %(app)s and org_tag = %(org)s and day >= %(start)s::date and day < %(end)s::date
