-- The events of a range in the hourly roll-ups, of an organisation.
select org_tag, sum(events)::bigint as events
from rollups.hourly_totals
where app = %(app)s and hour >= %(start)s and hour < %(end)s and (%(org)s::text is null or org_tag = %(org)s)
group by org_tag
