-- The busiest groups of the windows, for the asset's preview.
select hour, org_tag, event_type, utm_source, utm_campaign, device_type, geo_country, events, visitors, sessions, value
from rollups.hourly
where hour >= %(start)s and hour < %(end)s
order by events desc, hour, org_tag
limit 10
