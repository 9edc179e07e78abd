-- One row an organisation in `orgs` of an app: the sums of its days in [start, end), and the sketches of these days, from
-- which the distinct counts of the period are merged.
select
    org_tag,
    sum(events)::bigint as events,
    sum(value) as value,
    array_agg(visitor_sketch) as visitor_sketches,
    array_agg(session_sketch) as session_sketches
from rollups.daily_totals
where app = %(app)s and day >= %(start)s and day < %(end)s and org_tag = any(%(orgs)s)
group by org_tag
order by org_tag
