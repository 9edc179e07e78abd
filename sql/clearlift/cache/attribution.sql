-- One row an organisation of the app and a range up to `today`: for each model the 50 campaigns with the most revenue.
-- Unmatched ones are there by their reason. Days are the days of the ad accounts.
with ratios as (
    select
        daily.org_tag,
        ranges.range,
        ranges.days,
        daily.model,
        daily.platform,
        daily.account_id,
        daily.campaign_id,
        daily.reason,
        max(daily.campaign_name) as campaign,
        daily.currency,
        sum(daily.visits) as visits,
        sum(daily.conversions) as conversions,
        sum(daily.revenue) as revenue,
        sum(daily.spend) as spend
    from (values ('1d', 1), ('7d', 7), ('30d', 30), ('90d', 90)) as ranges (range, days)
    inner join attribution.daily
        on daily.day > %(today)s::date - ranges.days and daily.day <= %(today)s::date
    -- The constant tells the planner how far back the ranges go; without it the whole history would be read.
    where daily.app = %(app)s and daily.day > %(today)s::date - 90
    group by
        daily.org_tag, ranges.range, ranges.days, daily.model,
        daily.platform, daily.account_id, daily.campaign_id, daily.reason, daily.currency
),

counted as (
    select
        *,
        row_number() over (
            partition by org_tag, range, model
            order by revenue desc, spend desc, platform, account_id, campaign_id, reason, currency
        ) as rank
    from ratios
)

select
    org_tag,
    range,
    jsonb_build_object(
        'from', %(today)s::date - days + 1, 'to', %(today)s::date,
        'items', jsonb_agg(
            jsonb_build_object(
                'model', model, 'platform', platform, 'account_id', account_id, 'campaign_id', campaign_id,
                'campaign', campaign, 'reason', reason, 'currency', currency, 'visits', visits,
                'conversions', trim_scale(conversions), 'revenue', trim_scale(revenue), 'spend', trim_scale(spend),
                'cpa', trim_scale(round(spend / nullif(conversions, 0), 6)),
                'roas', trim_scale(round(revenue / nullif(spend, 0), 6))
            )
            order by model, rank
        )
    )::text as value,
    org_tag as tenant
from counted
where rank <= 50
group by org_tag, range, days
order by org_tag, range
