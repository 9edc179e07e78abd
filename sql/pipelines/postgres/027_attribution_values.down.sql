-- Forgets orders, refunds, currencies, exchange rates and the credits of all models but first, last and linear.
drop view attribution.daily_ads;
drop view attribution.daily;
drop view attribution.credits_in_currency;
drop view attribution.organization_currencies;
drop view attribution.counted_conversions;

create temporary table credits_before on commit drop as
select day, org_tag, account_day, platform, account_id, campaign_id, reason, sum(visits)::bigint as visits,
    coalesce(sum(conversions) filter (where model = 'first'), 0) as first_conversions,
    coalesce(sum(conversions) filter (where model = 'last'), 0) as last_conversions,
    coalesce(sum(conversions) filter (where model = 'linear'), 0) as linear_conversions,
    coalesce(sum(revenue) filter (where model = 'first'), 0) as first_revenue,
    coalesce(sum(revenue) filter (where model = 'last'), 0) as last_revenue,
    coalesce(sum(revenue) filter (where model = 'linear'), 0) as linear_revenue, app, ad_id
from attribution.credits
where model in ('', 'first', 'last', 'linear')
group by app, day, org_tag, account_day, platform, account_id, campaign_id, reason, ad_id;
delete from attribution.credits;
alter table attribution.credits
    drop column model,
    drop column currency,
    drop column conversions,
    drop column revenue,
    add column first_conversions numeric(38, 6) not null,
    add column last_conversions numeric(38, 6) not null,
    add column linear_conversions numeric(38, 6) not null,
    add column first_revenue numeric(38, 6) not null,
    add column last_revenue numeric(38, 6) not null,
    add column linear_revenue numeric(38, 6) not null;
alter table attribution.credits add constraint credits_pkey
    primary key (app, day, org_tag, account_day, platform, account_id, campaign_id, reason, ad_id);
insert into attribution.credits (
    day, org_tag, account_day, platform, account_id, campaign_id, reason, visits, first_conversions, last_conversions,
    linear_conversions, first_revenue, last_revenue, linear_revenue, app, ad_id
)
select * from credits_before;

alter table attribution.windows drop column bots;
alter table attribution.conversions
    drop column order_id,
    drop column refund,
    drop column currency,
    drop column bot,
    drop column credit_day,
    drop column refunded;
alter table attribution.organizations drop column refund_types, drop column currency, drop column own_hosts;
drop function attribution.exchange_rate;
drop table attribution.exchange_rates;
drop table attribution.models;
drop function attribution.credit_again;

create view attribution.daily with (security_invoker = true) as
with both_sides as (
    select o.app, o.org_tag, o.org_id, c.platform, c.account_id, c.campaign_id, c.reason, c.account_day as day,
        null as currency, 0 as spend, c.visits, c.first_conversions, c.first_revenue, c.last_conversions,
        c.last_revenue, c.linear_conversions, c.linear_revenue
    from attribution.organizations o
    join attribution.organizations own using (app, org_id)
    join attribution.credits c on c.app = own.app and c.org_tag = own.org_tag
    union all
    select o.app, o.org_tag, o.org_id, m.platform, m.account_id, m.campaign_id, '', m.date, m.currency, m.spend,
        0, 0, 0, 0, 0, 0, 0
    from attribution.organizations o
    join ads.campaign_metrics_daily m using (app, org_id)
), summed as (
    -- Grouped by the columns that readers filter by, so that their conditions reach the tables.
    select app, org_tag, org_id, platform, account_id, campaign_id, reason, day, max(currency) as currency,
        sum(spend) as spend, sum(visits)::bigint as visits,
        sum(first_conversions) as first_conversions, sum(first_revenue) as first_revenue,
        sum(last_conversions) as last_conversions, sum(last_revenue) as last_revenue,
        sum(linear_conversions) as linear_conversions, sum(linear_revenue) as linear_revenue
    from both_sides
    group by app, org_tag, org_id, platform, account_id, campaign_id, reason, day
)
select b.app, b.org_tag, b.org_id, b.platform, b.account_id, b.campaign_id, k.name as campaign_name, b.reason, b.day,
    m.model, coalesce(b.currency, a.currency) as currency, b.visits,
    m.conversions, m.revenue, b.spend, b.spend / nullif(m.conversions, 0) as cpa, m.revenue / nullif(b.spend, 0) as roas
from summed b
left join ads.campaigns k on k.app = b.app and k.org_id = b.org_id and k.id = b.campaign_id
left join ads.ad_accounts a
    on a.app = b.app and a.org_id = b.org_id and a.platform = b.platform and a.account_id = b.account_id
cross join lateral (
    values ('first', b.first_conversions, b.first_revenue), ('last', b.last_conversions, b.last_revenue),
        ('linear', b.linear_conversions, b.linear_revenue)
) as m (model, conversions, revenue);
comment on view attribution.daily is
    'Visits, conversions, revenue, spend, CPA and ROAS by campaign, account day and model (first, last, linear). What '
    'has no campaign is a row of its own, with the reason and its UTC day. Revenue is event_value, taken to be in the '
    'account''s currency';

create view attribution.daily_ads with (security_invoker = true) as
with both_sides as (
    select o.app, o.org_tag, o.org_id, c.platform, c.account_id, c.campaign_id, c.ad_id, c.account_day as day,
        null as currency, 0 as spend, c.visits, c.first_conversions, c.first_revenue, c.last_conversions,
        c.last_revenue, c.linear_conversions, c.linear_revenue
    from attribution.organizations o
    join attribution.organizations own using (app, org_id)
    join attribution.credits c on c.app = own.app and c.org_tag = own.org_tag
    where c.campaign_id <> ''
    union all
    select o.app, o.org_tag, o.org_id, m.platform, m.account_id, g.campaign_id, m.ad_id, m.date, m.currency, m.spend,
        0, 0, 0, 0, 0, 0, 0
    from attribution.organizations o
    join ads.ad_metrics_daily m using (app, org_id)
    join ads.ads a on a.app = m.app and a.org_id = m.org_id and a.id = m.ad_id
    join ads.ad_groups g on g.app = a.app and g.org_id = a.org_id and g.id = a.ad_group_id
), summed as (
    -- Grouped by the columns that readers filter by, so that their conditions reach the tables.
    select app, org_tag, org_id, platform, account_id, campaign_id, ad_id, day, max(currency) as currency,
        sum(spend) as spend, sum(visits)::bigint as visits,
        sum(first_conversions) as first_conversions, sum(first_revenue) as first_revenue,
        sum(last_conversions) as last_conversions, sum(last_revenue) as last_revenue,
        sum(linear_conversions) as linear_conversions, sum(linear_revenue) as linear_revenue
    from both_sides
    group by app, org_tag, org_id, platform, account_id, campaign_id, ad_id, day
)
select b.app, b.org_tag, b.org_id, b.platform, b.account_id, b.campaign_id, b.ad_id, k.name as ad_name, k.creative_id,
    b.day, m.model, coalesce(b.currency, a.currency) as currency, b.visits, m.conversions, m.revenue, b.spend,
    b.spend / nullif(m.conversions, 0) as cpa, m.revenue / nullif(b.spend, 0) as roas
from summed b
left join ads.ads k on k.app = b.app and k.org_id = b.org_id and k.id = b.ad_id
left join ads.ad_accounts a
    on a.app = b.app and a.org_id = b.org_id and a.platform = b.platform and a.account_id = b.account_id
cross join lateral (
    values ('first', b.first_conversions, b.first_revenue), ('last', b.last_conversions, b.last_revenue),
        ('linear', b.linear_conversions, b.linear_revenue)
) as m (model, conversions, revenue);
comment on view attribution.daily_ads is
    'As attribution.daily, by ad. An empty ad_id is what of a campaign has no known ad, and has no spend';

grant select on attribution.daily, attribution.daily_ads to authenticated;
grant all on attribution.daily, attribution.daily_ads to service_role;
