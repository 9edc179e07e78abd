-- Credits by model and currency: a model is a row, and so is a day's exchange rate. Conversions know their order, so that
-- an order of two events counts once, and a refund reduces the order that it refunds.
create table attribution.models (
    model          text primary key,
    every_touch    numeric not null default 0 check (every_touch >= 0),
    first_touch    numeric not null default 0 check (first_touch >= 0),
    last_touch     numeric not null default 0 check (last_touch >= 0),
    middle_touches numeric not null default 0 check (middle_touches >= 0),
    half_life_days numeric check (half_life_days >= 0.1),
    ordinal        integer not null,
    -- Else a conversion with one touch, or with two, would be credited to nobody.
    check (every_touch + first_touch > 0 or every_touch + last_touch > 0)
);
comment on table attribution.models is 'One row is a model: how a conversion is shared among the touches before it';
comment on column attribution.models.every_touch is 'The weight that each touch has';
comment on column attribution.models.first_touch is 'What the first touch has beside it; last_touch: the last one';
comment on column attribution.models.middle_touches is 'What the touches between first and last share in equal parts';
comment on column attribution.models.half_life_days is
    'Days before the conversion after which a weight counts half; null where its age does not matter';
comment on column attribution.models.ordinal is 'The order in which models are shown';
insert into attribution.models (model, every_touch, first_touch, last_touch, middle_touches, half_life_days, ordinal)
values ('first', 0, 1, 0, 0, null, 1),
    ('last', 0, 0, 1, 0, null, 2),
    ('linear', 1, 0, 0, 0, null, 3),
    ('position', 0, 0.4, 0.4, 0.2, null, 4),
    ('decay', 1, 0, 0, 0, 7, 5);

-- Another model credits every day again.
create function attribution.credit_again() returns trigger
language plpgsql set search_path = '' as $$
begin
    update attribution.windows set changed = changed + 1 where not pruned;
    return null;
end
$$;
create trigger credit_again after insert or update or delete on attribution.models
    for each statement execute function attribution.credit_again();

create table attribution.exchange_rates (
    app      text not null,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    day      date not null,
    rate     numeric not null check (rate > 0),
    primary key (app, currency, day)
);
comment on table attribution.exchange_rates is
    'One row is a currency on a day. The operator provides them; none is fetched';
comment on column attribution.exchange_rates.rate is
    'How much of the currency one unit of the base currency buys. All rates have the same base, whose own rate is 1';

-- What one unit of a currency is in another one on a day: by the newest rates of that day and the seven before, because
-- there are none of weekends. Null where one is missing.
create function attribution.exchange_rate(of_app text, on_day date, held text, wanted text) returns numeric
language sql stable as $$
    select case when held = wanted then 1::numeric else (
        select r.rate from attribution.exchange_rates r
        where r.app = of_app and r.currency = wanted and r.day <= on_day and r.day >= on_day - 7
        order by r.day desc limit 1
    ) / (
        select r.rate from attribution.exchange_rates r
        where r.app = of_app and r.currency = held and r.day <= on_day and r.day >= on_day - 7
        order by r.day desc limit 1
    ) end
$$;

alter table attribution.organizations
    add column refund_types text[] not null default '{}',
    add column currency text not null default '',
    add column own_hosts text[] not null default '{}';
comment on column attribution.organizations.currency is
    'The currency of events that name none, and the one of reports; empty: none was chosen';
comment on column attribution.organizations.own_hosts is 'Hosts that are no source of visits, e.g. of a checkout';

alter table attribution.conversions
    add column order_id bytea,
    add column refund boolean not null default false,
    add column currency text not null default '',
    add column bot boolean not null default false,
    add column credit_day date,
    add column refunded bytea;
comment on column attribution.conversions.order_id is 'Hash of the order that event_data names; null where it names none';
comment on column attribution.conversions.currency is 'As event_data names it; empty where it names none';
comment on column attribution.conversions.bot is 'Whether a known bot sent it; such an event counts as none';
comment on column attribution.conversions.credit_day is
    'The day on which it counts: its own; of a refund the day of the conversion that it refunds; null where it counts '
    'as none, because a bot sent it or an earlier event has the same order';
comment on column attribution.conversions.refunded is 'The event that a refund refunds; null where that is not known';
update attribution.conversions set credit_day = day;
create index conversions_by_order on attribution.conversions (app, org_tag, order_id) where order_id is not null;
create index conversions_by_credit_day on attribution.conversions (app, credit_day);
alter table attribution.windows add column bots bigint not null default 0;
comment on column attribution.windows.bots is
    'Events of known bots that named a campaign or converted; they make no touch and count as no conversion';

-- One row is a conversion or refund that counts on a day; a refund has the browser and moment of what it refunds, and a
-- negative value.
create view attribution.counted_conversions with (security_invoker = true) as
select c.app, c.credit_day as day, c.org_tag, c.event, c.currency,
    case when r.event is null then c.visitor else r.visitor end as visitor,
    case when r.event is null then c.browser else r.browser end as browser,
    coalesce(r.at, c.at) as at,
    case when c.refund then -abs(c.value) else c.value end as value,
    case when c.refund then 0 else 1 end as orders
from attribution.conversions c
left join attribution.conversions r
    on r.app = c.app and r.day = c.credit_day and r.org_tag = c.org_tag and r.event = c.refunded
where c.credit_day is not null;
comment on column attribution.counted_conversions.orders is '1; of a refund 0';

drop view attribution.daily;
drop view attribution.daily_ads;
alter table attribution.credits
    add column model text not null default '',
    add column currency text not null default '',
    add column conversions numeric(38, 6) not null default 0,
    add column revenue numeric(38, 6) not null default 0;
alter table attribution.credits drop constraint credits_pkey;
insert into attribution.credits (
    app, day, org_tag, account_day, platform, account_id, campaign_id, reason, ad_id, model, visits, first_conversions,
    last_conversions, linear_conversions, first_revenue, last_revenue, linear_revenue, conversions, revenue
)
select c.app, c.day, c.org_tag, c.account_day, c.platform, c.account_id, c.campaign_id, c.reason, c.ad_id, m.model, 0,
    0, 0, 0, 0, 0, 0, m.conversions, m.revenue
from attribution.credits c
cross join lateral (
    values ('first', c.first_conversions, c.first_revenue), ('last', c.last_conversions, c.last_revenue),
        ('linear', c.linear_conversions, c.linear_revenue)
) as m (model, conversions, revenue)
where m.conversions <> 0 or m.revenue <> 0;
delete from attribution.credits where model = '' and visits = 0;
alter table attribution.credits
    drop column first_conversions,
    drop column last_conversions,
    drop column linear_conversions,
    drop column first_revenue,
    drop column last_revenue,
    drop column linear_revenue,
    alter column model drop default,
    alter column currency drop default,
    alter column conversions drop default,
    alter column revenue drop default;
alter table attribution.credits add constraint credits_pkey
    primary key (app, day, org_tag, account_day, platform, account_id, campaign_id, reason, ad_id, model, currency);
comment on column attribution.credits.model is 'Empty in rows of visits, because no model shares these out';
comment on column attribution.credits.currency is 'The currency of revenue, as event_data names it; else empty';
comment on column attribution.credits.revenue is 'Sum of event_value, in the currency that is named; refunds are negative';

-- One row is a data tag and the currency of its organisation: the one that it chose, else the one that all of its ad
-- accounts have; null where there is neither.
create view attribution.organization_currencies with (security_invoker = true) as
select o.app, o.org_tag, o.org_id, coalesce(
    nullif(o.currency, ''),
    (
        select case when min(a.currency) = max(a.currency) then min(a.currency) end
        from ads.ad_accounts a
        where a.app = o.app and a.org_id = o.org_id
    )
) as currency
from attribution.organizations o;

-- One row is what a model credits to a campaign or reason on a day, by ad, in one currency: the account's, or where no
-- campaign is known the organisation's. Revenue without a rate for that stays in its own currency (rate_missing).
create view attribution.credits_in_currency with (security_invoker = true) as
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
create view attribution.daily with (security_invoker = true) as
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
comment on view attribution.daily is
    'Visits, conversions, revenue, spend, CPA and ROAS by campaign, account day, model and currency. What has no '
    'campaign is a row of its own, with the reason and its UTC day. reporting_rate: of the row''s currency in the '
    'organisation''s; null where there is none. rate_missing: revenue that no rate converts into the account''s currency';

-- One row is an ad's day under one model and in one currency; an empty ad_id is what of a campaign has no known ad. Ads
-- that cost something and brought nothing are there too. What of a campaign's spend is of no ad is in attribution.daily
-- only.
create view attribution.daily_ads with (security_invoker = true) as
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
comment on view attribution.daily_ads is
    'As attribution.daily, by ad. An empty ad_id is what of a campaign has no known ad, and has no spend';

alter table attribution.models enable row level security;
alter table attribution.exchange_rates enable row level security;
create policy of_everybody on attribution.models for select to authenticated using (true);
create policy of_own_app on attribution.exchange_rates for select to authenticated
    using (app = (select ads.current_app()));
create policy of_service on attribution.models to service_role using (true) with check (true);
create policy of_service on attribution.exchange_rates to service_role using (true) with check (true);
grant select on attribution.models, attribution.exchange_rates, attribution.counted_conversions,
    attribution.organization_currencies, attribution.credits_in_currency, attribution.daily, attribution.daily_ads to authenticated;
grant all on attribution.models, attribution.exchange_rates, attribution.counted_conversions,
    attribution.organization_currencies, attribution.credits_in_currency, attribution.daily, attribution.daily_ads to service_role;
