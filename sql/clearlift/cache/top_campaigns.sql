-- One row is a day of a campaign: its events, which cache/ranking.sql ranks and sums. Parameter: app.
select
    org_tag,
    day,
    utm_campaign as campaign,
    utm_source as source,
    utm_medium as medium,
    events,
    sessions as daily_sessions,
    visitors as daily_visitors,
    value as event_value_sum
from rollups.daily_campaigns
where app = %(app)s
