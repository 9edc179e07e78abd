-- Makes a table of one UTC day's credits, in the columns of attribution.credits: each conversion is shared out among
-- the visits of its browsers (browsers_of_day.sql) in the window before it, or has the reason why there is none. The last
-- visit has what does not divide. Parameters: app, day, default_days.
create temporary table incoming_credits on commit drop as
with converted as (
    select c.org_tag, c.event, c.visitor, c.at, c.value, o.org_id,
        coalesce(o.window_days, %(default_days)s) as window_days
    from attribution.conversions c
    left join attribution.organizations o on o.app = c.app and o.org_tag = c.org_tag
    where c.app = %(app)s and c.day = %(day)s
), brought as (
    select c.org_tag, c.event, c.org_id, c.at, c.value, t.platform, t.account_id, t.campaign_id, t.reason, t.ad_id,
        row_number() over (partition by c.org_tag, c.event order by t.at, t.org_tag, t.session) as place,
        count(*) over (partition by c.org_tag, c.event) as places
    from converted c
    join browsers_of_day b on b.org_tag = c.org_tag and b.event = c.event
    join attribution.visits t on t.app = %(app)s and t.browser = b.browser
        and t.at <= c.at and t.at >= c.at - make_interval(days => c.window_days)
), shared as (
    select b.*, trunc(1::numeric / places, 6) as part, trunc(value / places, 6) as part_value from brought b
), credited as (
    select org_id, org_tag, at, platform, account_id, campaign_id, reason, ad_id, 0 as visits,
        (place = 1)::integer::numeric as first_conversions,
        (place = places)::integer::numeric as last_conversions,
        case when place = places then 1 - part * (places - 1) else part end as linear_conversions,
        case when place = 1 then value else 0 end as first_revenue,
        case when place = places then value else 0 end as last_revenue,
        case when place = places then value - part_value * (places - 1) else part_value end as linear_revenue
    from shared
    union all
    select org_id, org_tag, at, '', '', '', case when visitor is null then 'no_consent' else 'no_touch' end, '',
        0, 1, 1, 1, value, value, value
    from converted c
    where not exists (select from brought b where b.org_tag = c.org_tag and b.event = c.event)
    union all
    select o.org_id, t.org_tag, t.at, t.platform, t.account_id, t.campaign_id, t.reason, t.ad_id, 1, 0, 0, 0, 0, 0, 0
    from attribution.visits t
    left join attribution.organizations o on o.app = t.app and o.org_tag = t.org_tag
    where t.app = %(app)s and t.day = %(day)s
)
select %(day)s::date as day, c.org_tag, (c.at at time zone coalesce(a.time_zone, 'UTC'))::date as account_day,
    c.platform, c.account_id, c.campaign_id, c.reason, sum(c.visits)::bigint as visits,
    sum(c.first_conversions)::numeric(38, 6) as first_conversions,
    sum(c.last_conversions)::numeric(38, 6) as last_conversions,
    sum(c.linear_conversions)::numeric(38, 6) as linear_conversions,
    sum(c.first_revenue)::numeric(38, 6) as first_revenue,
    sum(c.last_revenue)::numeric(38, 6) as last_revenue,
    sum(c.linear_revenue)::numeric(38, 6) as linear_revenue,
    %(app)s::text as app, c.ad_id
from credited c
left join ads.ad_accounts a
    on a.app = %(app)s and a.org_id = c.org_id and a.platform = c.platform and a.account_id = c.account_id
group by 1, 2, 3, 4, 5, 6, 7, c.ad_id
