-- The busiest groups of the windows, for the asset's preview.
select day, org_tag, event_type, utm_source, utm_campaign, device_type, geo_country, events, visitors, sessions, value
from rollups.daily
where day >= %(start)s and day < %(end)s
order by events desc, day, org_tag
limit 10
