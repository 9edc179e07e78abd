-- Marks only the row of revenue without a rate, and divides what has a rate by the spend.
drop view attribution.counted_since;
drop index rollups.daily_totals_by_tag;

-- One row is what a model credits to a campaign or reason on a day, by ad, in one currency: the account's, or where no
-- campaign is known the organisation's. Revenue without a rate for that stays in its own currency (rate_missing).
create or replace view attribution.credits_in_currency with (security_invoker = true) as
with named as (
    select o.app, o.org_tag, o.org_id, c.platform, c.account_id, c.campaign_id, c.reason, c.ad_id,
        c.account_day as day, c.model, c.visits, c.conversions, c.revenue,
        coalesce(nullif(c.currency, ''), nullif(own.currency, ''), a.currency, k.currency, '') as held,
        coalesce(a.currency, k.currency, c.currency) as wanted
    from attribution.organizations o
    join attribution.organizations own using (app, org_id)
    join attribution.organization_currencies k on k.app = own.app and k.org_tag = own.org_tag
    join attribution.credits c on c.app = own.app and c.org_tag = own.org_tag
    left join ads.ad_accounts a
        on a.app = o.app and a.org_id = o.org_id and a.platform = c.platform and a.account_id = c.account_id
), rated as (
    select n.*,
        case when held in (wanted, '') then 1 else attribution.exchange_rate(app, day, held, wanted) end as rate
    from named n
)
-- In one pass, because what is read twice is read whole, whichever days are asked for.
select r.app, r.org_tag, r.org_id, r.platform, r.account_id, r.campaign_id, r.reason, r.ad_id, r.day, part.model,
    part.currency, part.rate_missing, part.visits, part.conversions, part.revenue
from rated r
cross join lateral (
    select m.model, r.wanted as currency, false as rate_missing, r.visits, 0::numeric as conversions,
        0::numeric as revenue
    from attribution.models m
    where r.model = ''
    union all
    select r.model, r.wanted, false, 0, r.conversions, coalesce(round(r.revenue * r.rate, 6), 0)
    where r.model <> ''
    union all
    select r.model, r.held, true, 0, 0, r.revenue
    where r.model <> '' and r.rate is null and r.revenue <> 0
) as part;

-- One row is a campaign's day under one model and in one currency. Campaigns that cost something and brought nothing are
-- there too. Ad accounts belong to the organisation, so each of its tags shows all of the organisation's numbers.
create or replace view attribution.daily with (security_invoker = true) as
with both_sides as (
    select app, org_tag, org_id, platform, account_id, campaign_id, reason, day, model, currency, rate_missing, visits,
        conversions, revenue, 0 as spend
    from attribution.credits_in_currency
    union all
    select o.app, o.org_tag, o.org_id, m.platform, m.account_id, m.campaign_id, '', m.date, models.model, m.currency,
        false, 0, 0, 0, m.spend
    from attribution.organizations o
    join ads.campaign_metrics_daily m using (app, org_id)
    cross join attribution.models
), summed as (
    -- Grouped by the columns that readers filter by, so that their conditions reach the tables.
    select app, org_tag, org_id, platform, account_id, campaign_id, reason, day, model, currency, rate_missing,
        sum(visits)::bigint as visits, sum(conversions) as conversions, sum(revenue) as revenue, sum(spend) as spend
    from both_sides
    group by app, org_tag, org_id, platform, account_id, campaign_id, reason, day, model, currency, rate_missing
)
select b.app, b.org_tag, b.org_id, b.platform, b.account_id, b.campaign_id, k.name as campaign_name, b.reason, b.day,
    b.model, nullif(b.currency, '') as currency, b.rate_missing, b.visits, b.conversions, b.revenue, b.spend,
    nullif(b.spend, 0) / nullif(b.conversions, 0) as cpa, b.revenue / nullif(b.spend, 0) as roas,
    o.currency as reporting_currency,
    attribution.exchange_rate(b.app, b.day, b.currency, o.currency) as reporting_rate
from summed b
join attribution.organization_currencies o on o.app = b.app and o.org_tag = b.org_tag
left join ads.campaigns k on k.app = b.app and k.org_id = b.org_id and k.id = b.campaign_id;

-- One row is an ad's day under one model and in one currency; an empty ad_id is what of a campaign has no known ad. Ads
-- that cost something and brought nothing are there too. What of a campaign's spend is of no ad is in attribution.daily
-- only.
create or replace view attribution.daily_ads with (security_invoker = true) as
with both_sides as (
    select app, org_tag, org_id, platform, account_id, campaign_id, ad_id, day, model, currency, rate_missing, visits,
        conversions, revenue, 0 as spend
    from attribution.credits_in_currency
    where campaign_id <> ''
    union all
    select o.app, o.org_tag, o.org_id, m.platform, m.account_id, g.campaign_id, m.ad_id, m.date, models.model,
        m.currency, false, 0, 0, 0, m.spend
    from attribution.organizations o
    join ads.ad_metrics_daily m using (app, org_id)
    join ads.ads a on a.app = m.app and a.org_id = m.org_id and a.id = m.ad_id
    join ads.ad_groups g on g.app = a.app and g.org_id = a.org_id and g.id = a.ad_group_id
    cross join attribution.models
), summed as (
    -- Grouped by the columns that readers filter by, so that their conditions reach the tables.
    select app, org_tag, org_id, platform, account_id, campaign_id, ad_id, day, model, currency, rate_missing,
        sum(visits)::bigint as visits, sum(conversions) as conversions, sum(revenue) as revenue, sum(spend) as spend
    from both_sides
    group by app, org_tag, org_id, platform, account_id, campaign_id, ad_id, day, model, currency, rate_missing
)
select b.app, b.org_tag, b.org_id, b.platform, b.account_id, b.campaign_id, b.ad_id, k.name as ad_name, k.creative_id,
    b.day, b.model, nullif(b.currency, '') as currency, b.rate_missing, b.visits, b.conversions, b.revenue, b.spend,
    nullif(b.spend, 0) / nullif(b.conversions, 0) as cpa, b.revenue / nullif(b.spend, 0) as roas
from summed b
left join ads.ads k on k.app = b.app and k.org_id = b.org_id and k.id = b.ad_id;

comment on column attribution.credits_in_currency.rate_missing is
    'Whether the row is revenue that no exchange rate converts into the account''s currency';
comment on column attribution.daily.rate_missing is
    'Whether the row is revenue that no exchange rate converts into the account''s currency';
comment on column attribution.daily_ads.rate_missing is
    'Whether the row is revenue that no exchange rate converts into the account''s currency';
comment on column attribution.daily.roas is 'Revenue by spend; null where nothing was spent';
comment on column attribution.daily_ads.roas is 'Revenue by spend; null where nothing was spent';
comment on view attribution.daily is
    'Visits, conversions, revenue, spend, CPA and ROAS by campaign, account day, model and currency. What has no '
    'campaign is a row of its own, with the reason and its UTC day. reporting_rate: of the row''s currency in the '
    'organisation''s; null where there is none. rate_missing: revenue that no rate converts into the account''s currency';
