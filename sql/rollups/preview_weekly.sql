-- The busiest organisations of the windows, for the asset's preview.
select week, org_tag, events, visitors, sessions, exact, value
from rollups.weekly_totals
where week >= %(start)s and week < %(end)s
order by events desc, week, org_tag
limit 10
