-- One row an organisation of the app and a range up to `today`: the 50 campaigns with the most events.
with counted as (
    select
        campaigns.org_tag,
        ranges.range,
        ranges.days,
        row_number() over (
            partition by campaigns.org_tag, ranges.range
            order by sum(campaigns.events) desc, campaigns.utm_campaign, campaigns.utm_source, campaigns.utm_medium
        ) as rank,
        jsonb_build_object(
            'campaign', campaigns.utm_campaign, 'source', campaigns.utm_source, 'medium', campaigns.utm_medium,
            'events', sum(campaigns.events), 'sessions', sum(campaigns.sessions),
            'daily_visitors', sum(campaigns.visitors), 'value', trim_scale(sum(campaigns.value))
        ) as campaign
    from (values ('1d', 1), ('7d', 7), ('30d', 30), ('90d', 90)) as ranges (range, days)
    inner join rollups.daily_campaigns as campaigns
        on campaigns.day > %(today)s::date - ranges.days and campaigns.day <= %(today)s::date
    -- The constant tells the planner how far back the ranges go; without it the whole history would be read.
    where campaigns.app = %(app)s and campaigns.day > %(today)s::date - 90
    group by
        campaigns.org_tag, ranges.range, ranges.days,
        campaigns.utm_campaign, campaigns.utm_source, campaigns.utm_medium
)

select
    org_tag,
    range,
    jsonb_build_object(
        'from', %(today)s::date - days + 1, 'to', %(today)s::date, 'items', jsonb_agg(campaign order by rank)
    )::text as value,
    org_tag as tenant
from counted
where rank <= 50
group by org_tag, range, days
order by org_tag, range
