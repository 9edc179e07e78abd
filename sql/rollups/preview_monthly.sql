-- One row an organisation of an app: the ten busiest of the windows in [start, end), for the preview of the asset.
select month, org_tag, events, visitors, sessions, exact, value
from rollups.monthly_totals
where app = %(app)s and month >= %(start)s and month < %(end)s
order by events desc, month, org_tag
limit 10
