-- The busiest organisations of the windows, for the asset's preview.
select month, org_tag, events, visitors, sessions, exact, value
from rollups.monthly_totals
where month >= %(start)s and month < %(end)s
order by events desc, month, org_tag
limit 10
