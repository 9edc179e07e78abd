-- One row an active organisation of the app (tags) and a range up to the last day that is credited, which is `today` at
-- the latest: under each model and in each currency the 50 campaigns with the most revenue and the 50 with the most spend,
-- the sums of the others, every reason, the sums of all, and the period before. Days are the days of the ad accounts. No
-- range begins before the organisation's conversions are counted, because spend of before has none to be divided by.
with ended as (
    select least(max(day), %(today)s::date) as day
    from attribution.windows
    where app = %(app)s and credited >= 0
    having count(*) > 0
),

ranges as (
    select
        tag as org_tag,
        spans.range,
        spans.days,
        greatest(ended.day - spans.days + 1, begun.since) as start,
        ended.day as until,
        -- Credits that are more than a day behind reach further back than what is read.
        coalesce(begun.since <= ended.day - 2 * spans.days + 1 and ended.day >= %(today)s::date - 1, false)
            as previous_known
    from unnest(%(tags)s::text[]) as tag
    cross join (values ('1d', 1), ('7d', 7), ('30d', 30), ('90d', 90)) as spans (range, days)
    left join (attribution.counted_since as begun inner join ended on begun.since <= ended.day)
        on begun.app = %(app)s and begun.org_tag = tag
),

counted as (
    select
        daily.org_tag, ranges.range, ranges.previous_known, daily.model, daily.platform, daily.account_id,
        daily.campaign_id, daily.reason, daily.currency,
        max(daily.campaign_name) as campaign,
        coalesce(sum(daily.visits) filter (where daily.day >= ranges.start), 0) as visits,
        coalesce(sum(daily.conversions) filter (where daily.day >= ranges.start), 0) as conversions,
        coalesce(sum(daily.revenue) filter (where daily.day >= ranges.start), 0) as revenue,
        coalesce(sum(daily.spend) filter (where daily.day >= ranges.start), 0) as spend,
        coalesce(bool_or(daily.rate_missing) filter (where daily.day >= ranges.start), false) as rate_missing,
        coalesce(sum(daily.visits) filter (where daily.day < ranges.start), 0) as previous_visits,
        coalesce(sum(daily.conversions) filter (where daily.day < ranges.start), 0) as previous_conversions,
        coalesce(sum(daily.revenue) filter (where daily.day < ranges.start), 0) as previous_revenue,
        coalesce(sum(daily.spend) filter (where daily.day < ranges.start), 0) as previous_spend,
        coalesce(bool_or(daily.rate_missing) filter (where daily.day < ranges.start), false) as previous_rate_missing,
        sum(daily.revenue * daily.reporting_rate) filter (where daily.day >= ranges.start) as reporting_revenue,
        sum(daily.spend * daily.reporting_rate) filter (where daily.day >= ranges.start) as reporting_spend,
        bool_or(daily.day >= ranges.start and daily.reporting_rate is null and daily.revenue <> 0) as revenue_unrated,
        bool_or(daily.day >= ranges.start and daily.reporting_rate is null and daily.spend <> 0) as spend_unrated
    from ranges
    inner join attribution.daily
        on daily.org_tag = ranges.org_tag and daily.day <= ranges.until
        and daily.day >= ranges.start - case when ranges.previous_known then ranges.days else 0 end
    -- The constant tells the planner how far back the ranges go; without it the whole history would be read.
    where daily.app = %(app)s and daily.day > %(today)s::date - 181
    group by
        daily.org_tag, ranges.range, ranges.previous_known, daily.model, daily.platform, daily.account_id,
        daily.campaign_id, daily.reason, daily.currency
),

ranked as (
    select
        counted.*,
        present,
        row_number() over (
            partition by org_tag, range, model, currency, reason = ''
            order by present desc, revenue desc, spend desc, platform, account_id, campaign_id
        ) as by_revenue,
        row_number() over (
            partition by org_tag, range, model, currency, reason = ''
            order by present desc, spend desc, revenue desc, platform, account_id, campaign_id
        ) as by_spend
    from counted
    cross join lateral (
        select visits <> 0 or conversions <> 0 or revenue <> 0 or spend <> 0 as present
    ) as shown
),

listed as (
    select
        ranked.org_tag,
        ranked.range,
        jsonb_agg(
            figures || jsonb_build_object(
                'platform', platform, 'account_id', account_id, 'campaign_id', campaign_id, 'campaign', campaign,
                'by_revenue', by_revenue, 'by_spend', by_spend,
                'cpa', trim_scale(round(nullif(spend, 0) / nullif(conversions, 0), 6)),
                'roas', case when not rate_missing then trim_scale(round(revenue / nullif(spend, 0), 6)) end
            )
            order by ordinal, currency, by_revenue
        ) filter (where reason = '' and least(by_revenue, by_spend) <= 50) as items,
        jsonb_agg(
            figures || jsonb_build_object('reason', reason) order by ordinal, currency, reason
        ) filter (where reason <> '') as reasons
    from ranked
    inner join attribution.models using (model)
    cross join lateral (
        select
            jsonb_build_object(
                'model', model, 'currency', currency, 'visits', visits, 'conversions', trim_scale(conversions),
                'revenue', trim_scale(revenue), 'spend', trim_scale(spend), 'rate_missing', rate_missing,
                'previous', case when previous_known then jsonb_build_object(
                    'visits', previous_visits, 'conversions', trim_scale(previous_conversions),
                    'revenue', trim_scale(previous_revenue), 'spend', trim_scale(previous_spend),
                    'rate_missing', previous_rate_missing
                ) end
            ) as figures
    ) as shown
    where present
    group by ranked.org_tag, ranked.range
),

summed as (
    select
        ranges.org_tag,
        ranges.range,
        models.model,
        models.ordinal,
        ranked.currency,
        coalesce(sum(visits), 0) as visits,
        coalesce(sum(conversions), 0) as conversions,
        coalesce(sum(revenue), 0) as revenue,
        coalesce(sum(spend), 0) as spend,
        coalesce(bool_or(rate_missing), false) as rate_missing,
        coalesce(sum(previous_visits), 0) as previous_visits,
        coalesce(sum(previous_conversions), 0) as previous_conversions,
        coalesce(sum(previous_revenue), 0) as previous_revenue,
        coalesce(sum(previous_spend), 0) as previous_spend,
        coalesce(bool_or(previous_rate_missing), false) as previous_rate_missing,
        count(*) filter (where left_out) as left_out,
        coalesce(sum(visits) filter (where left_out), 0) as left_out_visits,
        coalesce(sum(conversions) filter (where left_out), 0) as left_out_conversions,
        coalesce(sum(revenue) filter (where left_out), 0) as left_out_revenue,
        coalesce(sum(spend) filter (where left_out), 0) as left_out_spend,
        coalesce(bool_or(rate_missing) filter (where left_out), false) as left_out_rate_missing,
        coalesce(sum(reporting_revenue), 0) as reporting_revenue,
        coalesce(sum(reporting_spend), 0) as reporting_spend,
        coalesce(bool_or(revenue_unrated), false) as revenue_unrated,
        coalesce(bool_or(spend_unrated), false) as spend_unrated
    from ranges
    cross join attribution.models
    left join ranked
        on ranked.org_tag = ranges.org_tag and ranked.range = ranges.range and ranked.model = models.model
    cross join lateral (select present and reason = '' and least(by_revenue, by_spend) > 50 as left_out) as which
    group by ranges.org_tag, ranges.range, models.model, models.ordinal, ranked.currency
),

sums as (
    select
        org_tag,
        range,
        jsonb_agg(
            jsonb_build_object(
                'model', model, 'currency', currency, 'visits', visits, 'conversions', trim_scale(conversions),
                'revenue', trim_scale(revenue), 'spend', trim_scale(spend), 'rate_missing', rate_missing,
                'cpa', trim_scale(round(nullif(spend, 0) / nullif(conversions, 0), 6)),
                'roas', case when not rate_missing then trim_scale(round(revenue / nullif(spend, 0), 6)) end
            )
            order by ordinal, currency
        ) as totals,
        jsonb_agg(
            jsonb_build_object(
                'model', model, 'currency', currency, 'campaigns', left_out, 'visits', left_out_visits,
                'conversions', trim_scale(left_out_conversions), 'revenue', trim_scale(left_out_revenue),
                'spend', trim_scale(left_out_spend), 'rate_missing', left_out_rate_missing
            )
            order by ordinal, currency
        ) as rest,
        jsonb_agg(
            jsonb_build_object(
                'model', model, 'currency', currency, 'visits', previous_visits,
                'conversions', trim_scale(previous_conversions), 'revenue', trim_scale(previous_revenue),
                'spend', trim_scale(previous_spend), 'rate_missing', previous_rate_missing
            )
            order by ordinal, currency
        ) as previous
    from summed
    group by org_tag, range
),

reported as (
    select
        by_model.org_tag,
        range,
        settled.currency,
        jsonb_agg(
            jsonb_build_object(
                'model', model, 'revenue', trim_scale(round(revenue, 6)), 'spend', trim_scale(round(spend, 6)),
                'cpa', case
                    when not spend_unrated then trim_scale(round(nullif(spend, 0) / nullif(conversions, 0), 6))
                end,
                'roas', case when complete then trim_scale(round(revenue / nullif(spend, 0), 6)) end,
                'complete', complete
            )
            order by ordinal
        ) as totals
    from (
        select
            org_tag,
            range,
            model,
            ordinal,
            sum(conversions) as conversions,
            sum(reporting_revenue) as revenue,
            sum(reporting_spend) as spend,
            bool_or(spend_unrated) as spend_unrated,
            not bool_or(revenue_unrated or spend_unrated) as complete
        from summed
        group by org_tag, range, model, ordinal
    ) as by_model
    inner join attribution.organization_currencies as settled
        on settled.app = %(app)s and settled.org_tag = by_model.org_tag
    where settled.currency is not null
    group by by_model.org_tag, range, settled.currency
)

select
    sums.org_tag,
    sums.range,
    jsonb_build_object(
        'from', ranges.start,
        'to', ranges.until,
        'totals', sums.totals,
        'items', coalesce(listed.items, '[]'),
        'rest', sums.rest,
        'reasons', coalesce(listed.reasons, '[]'),
        'reporting', case when reported.currency is not null then jsonb_build_object(
            'currency', reported.currency, 'totals', reported.totals
        ) end,
        'previous', case when previous_known then jsonb_build_object(
            'from', ranges.start - ranges.days, 'to', ranges.start - 1, 'totals', sums.previous
        ) end
    )::text as value,
    sums.org_tag as tenant
from sums
inner join ranges using (org_tag, range)
left join listed using (org_tag, range)
left join reported using (org_tag, range)
order by sums.org_tag, sums.range
