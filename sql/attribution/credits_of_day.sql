-- Makes a table of one UTC day's credits, in the columns of attribution.credits: under each model, each conversion is
-- shared out among the visits of its browsers (browsers_of_day.sql) in the window before it, by their weights, or has the
-- reason why there is none. The last visit that has a weight has what does not divide. A refund is shared as the
-- conversion that it refunds, and counts as none. Parameters: app, day, default_days.
create temporary table incoming_credits on commit drop as
with converted as (
    select c.*, o.org_id, coalesce(o.window_days, %(default_days)s) as window_days
    from attribution.counted_conversions c
    left join attribution.organizations o on o.app = c.app and o.org_tag = c.org_tag
    where c.app = %(app)s and c.day = %(day)s
), brought as (
    select c.org_tag, c.event, c.org_id, c.at, c.value, c.currency, c.orders, t.platform, t.account_id, t.campaign_id,
        t.reason, t.ad_id, extract(epoch from c.at - t.at) / 86400 as age,
        row_number() over (partition by c.org_tag, c.event order by t.at, t.org_tag, t.session) as place,
        count(*) over (partition by c.org_tag, c.event) as places
    from converted c
    join browsers_of_day b on b.org_tag = c.org_tag and b.event = c.event
    join attribution.visits t on t.app = %(app)s and t.browser = b.browser
        and t.at <= c.at and t.at >= c.at - make_interval(days => c.window_days)
), weighed as (
    select b.*, m.model,
        -- Times the number of visits between first and last, so that no weight is a quotient that was rounded.
        (
            (
                every_touch
                + case when place = 1 then first_touch else 0 end
                + case when place = places then last_touch else 0 end
            ) * greatest(places - 2, 1)
            + case when place > 1 and place < places then middle_touches else 0 end
        ) * case when half_life_days is null then 1 else power(0.5, age / half_life_days) end as weight
    from brought b
    cross join attribution.models m
), parts as (
    select w.*,
        sum(weight) over (partition by model, org_tag, event) as whole,
        max(case when weight > 0 then place end) over (partition by model, org_tag, event) as last_place
    from weighed w
), cut as (
    select p.*, trunc(orders * weight / whole, 6) as part_orders, trunc(value * weight / whole, 6) as part_value
    from parts p
    where weight > 0
), credited as (
    select org_id, org_tag, at, platform, account_id, campaign_id, reason, ad_id, model, currency, 0 as visits,
        case
            when place = last_place then orders - coalesce(sum(part_orders) over others, 0) else part_orders
        end as conversions,
        case
            when place = last_place then value - coalesce(sum(part_value) over others, 0) else part_value
        end as revenue
    from cut
    window others as (
        partition by model, org_tag, event order by place rows between unbounded preceding and 1 preceding
    )
    union all
    select org_id, org_tag, at, '', '', '', case when visitor is null then 'no_consent' else 'no_touch' end, '', model,
        currency, 0, orders, value
    from converted c
    cross join attribution.models
    where not exists (select from brought b where b.org_tag = c.org_tag and b.event = c.event)
    union all
    select o.org_id, t.org_tag, t.at, t.platform, t.account_id, t.campaign_id, t.reason, t.ad_id, '', '', 1, 0, 0
    from attribution.visits t
    left join attribution.organizations o on o.app = t.app and o.org_tag = t.org_tag
    where t.app = %(app)s and t.day = %(day)s
)
select %(day)s::date as day, c.org_tag, (c.at at time zone coalesce(a.time_zone, 'UTC'))::date as account_day,
    c.platform, c.account_id, c.campaign_id, c.reason, sum(c.visits)::bigint as visits, %(app)s::text as app, c.ad_id,
    c.model, c.currency, sum(c.conversions)::numeric(38, 6) as conversions, sum(c.revenue)::numeric(38, 6) as revenue
from credited c
left join ads.ad_accounts a
    on a.app = %(app)s and a.org_id = c.org_id and a.platform = c.platform and a.account_id = c.account_id
group by 1, 2, 3, 4, 5, 6, 7, c.ad_id, c.model, c.currency
