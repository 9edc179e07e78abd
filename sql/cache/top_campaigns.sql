select org_tag, jsonb_agg(campaign_row order by rank) as items
from (
    select
        org_tag,
        row_number() over (
            partition by org_tag order by sum(events) desc, utm_campaign, utm_source, utm_medium
        ) as rank,
        jsonb_build_object(
            'campaign', utm_campaign, 'source', utm_source, 'medium', utm_medium,
            'events', sum(events), 'sessions', sum(sessions), 'daily_visitors', sum(visitors), 'value', sum(value)
        ) as campaign_row
    from rollups.daily_campaigns
    where day >= %(start)s and day < %(end)s
    group by org_tag, utm_campaign, utm_source, utm_medium
) as ranked
where rank <= %(top)s
group by org_tag
