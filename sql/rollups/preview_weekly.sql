-- One row an organisation of an app: the ten busiest of the windows in [start, end), for the preview of the asset.
select week, org_tag, events, visitors, sessions, exact, value
from rollups.weekly_totals
where app = %(app)s and week >= %(start)s and week < %(end)s
order by events desc, week, org_tag
limit 10
