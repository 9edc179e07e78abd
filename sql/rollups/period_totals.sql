-- One row an organisation: its days' sums, and the sketches that its distinct counts are merged from.
select
    org_tag,
    sum(events)::bigint as events,
    sum(value) as value,
    array_agg(visitor_sketch) as visitor_sketches,
    array_agg(session_sketch) as session_sketches
from rollups.daily_totals
where day >= %(start)s and day < %(end)s and org_tag = any(%(orgs)s)
group by org_tag
order by org_tag
