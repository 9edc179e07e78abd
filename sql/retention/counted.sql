-- What the roll-ups of hours and days hold of an organisation in a range: events by window, of the widest cut and of
-- the totals.
select 'hourly' as grain, hour as window_start, sum(events)::bigint as events
from rollups.hourly
where org_tag = %(org)s and hour >= %(start)s and hour < %(end)s
group by hour
union all
select 'hourly_totals', hour, events
from rollups.hourly_totals
where org_tag = %(org)s and hour >= %(start)s and hour < %(end)s
union all
select 'daily', day::timestamp at time zone 'UTC', sum(events)::bigint
from rollups.daily
where org_tag = %(org)s and day >= %(start)s::date and day < %(end)s::date
group by day
union all
select 'daily_totals', day::timestamp at time zone 'UTC', events
from rollups.daily_totals
where org_tag = %(org)s and day >= %(start)s::date and day < %(end)s::date
