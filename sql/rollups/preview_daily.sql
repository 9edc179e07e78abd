-- One row a group of an app: the ten busiest of the windows in [start, end), for the preview of the asset.
select day, org_tag, event_type, utm_source, utm_campaign, device_type, geo_country, events, visitors, sessions, value
from rollups.daily
where app = %(app)s and day >= %(start)s and day < %(end)s
order by events desc, day, org_tag
limit 10
