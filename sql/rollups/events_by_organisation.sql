-- One row an organisation of an app (org, or null for all): its events in the hourly roll-ups of [start, end).
select org_tag, sum(events)::bigint as events
from rollups.hourly_totals
where app = %(app)s and hour >= %(start)s and hour < %(end)s and (%(org)s::text is null or org_tag = %(org)s)
group by org_tag
