-- One row a group of an app: the ten busiest of the windows in [start, end), for the preview of the asset.
select hour, org_tag, event_type, utm_source, utm_campaign, device_type, geo_country, events, visitors, sessions, value
from rollups.hourly
where app = %(app)s and hour >= %(start)s and hour < %(end)s
order by events desc, hour, org_tag
limit 10
