-- Ads, their creatives and their days; and conversions by action, of which those that count make up the conversions of
-- the facts.
--
-- id of an ad is platform:account:ad group:ad, because Google gives one ad to several ad groups. A platform names a
-- creative only with its ads, so that the creative is part of the ad's row; the view ads.creatives has it once.
create table ads.ads (
    app               text not null,
    org_id            text not null,
    id                text not null,
    ad_group_id       text not null,
    platform          text not null,
    account_id        text not null,
    native_id         text not null,
    name              text not null,
    status            text check (status in ('active', 'paused', 'ended')),
    native_status     text,
    creative_id       text,
    creative_kind     text,
    headline          text,
    body              text,
    landing_page      text,
    url_parameters    text,
    created_at        timestamptz,
    source_updated_at timestamptz,
    updated_at        timestamptz not null,
    deleted_at        timestamptz,
    last_seen_run_id  uuid,
    raw_data          jsonb,
    primary key (app, org_id, id),
    foreign key (app, org_id, ad_group_id) references ads.ad_groups (app, org_id, id)
);
create index ads_by_ad_group on ads.ads (org_id, ad_group_id);
create index ads_by_account on ads.ads (org_id, platform, account_id);
comment on column ads.ads.creative_id is 'platform:account:creative; the ad''s own id where the platform has no other';

create table ads.ad_metrics_daily (
    app                text not null,
    org_id             text not null,
    ad_id              text not null,
    date               date not null,
    platform           text not null,
    account_id         text not null,
    impressions        bigint not null,
    clicks             bigint not null,
    spend              numeric(20, 6) not null,
    conversions        numeric(18, 6) not null,
    conversions_value  numeric(20, 6) not null,
    currency           text not null,
    time_zone          text not null,
    attribution_window text not null,
    is_final           boolean not null,
    sync_run_id        uuid not null,
    primary key (app, org_id, ad_id, date)
);
create index ad_metrics_daily_by_date on ads.ad_metrics_daily (date, org_id);

-- Windows of one action add up. is_counted: the row is one of those whose sum is the conversions of the facts.
create table ads.conversions_daily (
    app                text not null,
    org_id             text not null,
    level              text not null check (level in ('campaign', 'ad_group', 'ad', 'keyword')),
    entity_id          text not null,
    date               date not null,
    action             text not null,
    attribution_window text not null,
    label              text not null,
    platform           text not null,
    account_id         text not null,
    count              numeric(18, 6) not null,
    value              numeric(20, 6) not null,
    currency           text not null,
    is_counted         boolean not null,
    is_final           boolean not null,
    sync_run_id        uuid not null,
    primary key (app, org_id, level, entity_id, date, action, attribution_window)
);
create index conversions_daily_by_date on ads.conversions_daily (date, org_id, level);
comment on column ads.conversions_daily.action is 'The platform''s own word or id; label is its name for people';
comment on column ads.conversions_daily.date is 'A day of the account, in ads.ad_accounts.time_zone';

-- Which actions count in all rows of the account; null before its first sync under this schema.
alter table ads.ad_accounts add column counted_actions jsonb;

create view ads.ad_totals with (security_invoker = true) as
select
    app, org_id, ad_id, currency,
    sum(spend) as spend, sum(impressions)::bigint as impressions, sum(clicks)::bigint as clicks,
    sum(conversions) as conversions, sum(conversions_value) as conversions_value,
    min(date) as first_day, max(date) as last_day
from ads.ad_metrics_daily
group by app, org_id, ad_id, currency;

-- One row is a creative, as the ad that was written last has it.
create view ads.creatives with (security_invoker = true) as
select distinct on (app, org_id, creative_id)
    app, org_id, creative_id as id, platform, account_id, creative_kind as kind, headline, body, landing_page,
    url_parameters, updated_at
from ads.ads
where creative_id is not null
order by app, org_id, creative_id, updated_at desc, id;

-- One row is a creative's day: the sum over its ads.
create view ads.creative_metrics_daily with (security_invoker = true) as
select
    f.app, f.org_id, a.creative_id, f.date, f.platform, f.account_id, f.currency,
    sum(f.impressions)::bigint as impressions, sum(f.clicks)::bigint as clicks, sum(f.spend) as spend,
    sum(f.conversions) as conversions, sum(f.conversions_value) as conversions_value, bool_and(f.is_final) as is_final
from ads.ad_metrics_daily f
join ads.ads a on a.app = f.app and a.org_id = f.org_id and a.id = f.ad_id
where a.creative_id is not null
group by f.app, f.org_id, a.creative_id, f.date, f.platform, f.account_id, f.currency;

-- One row is an entity that its platform lists as existing, as are all that it is part of.
create view ads.listed_entities with (security_invoker = true) as
select app, org_id, 'campaign' as level, id from ads.campaigns where deleted_at is null
union all
select g.app, g.org_id, 'ad_group', g.id
from ads.ad_groups g
join ads.campaigns c on c.app = g.app and c.org_id = g.org_id and c.id = g.campaign_id
where g.deleted_at is null and c.deleted_at is null
union all
select a.app, a.org_id, 'ad', a.id
from ads.ads a
join ads.ad_groups g on g.app = a.app and g.org_id = a.org_id and g.id = a.ad_group_id
join ads.campaigns c on c.app = g.app and c.org_id = g.org_id and c.id = g.campaign_id
where a.deleted_at is null and g.deleted_at is null and c.deleted_at is null
union all
select k.app, k.org_id, 'keyword', k.id
from ads.keywords k
join ads.ad_groups g on g.app = k.app and g.org_id = k.org_id and g.id = k.ad_group_id
join ads.campaigns c on c.app = g.app and c.org_id = g.org_id and c.id = g.campaign_id
where k.deleted_at is null and g.deleted_at is null and c.deleted_at is null;

do $$
declare
    relation text;
begin
    foreach relation in array array['ads', 'ad_metrics_daily', 'conversions_daily'] loop
        execute format('alter table ads.%I enable row level security', relation);
        execute format(
            'create policy of_own_organisation on ads.%I for select to authenticated'
            ' using (app = (select ads.current_app()) and org_id = (select ads.current_org()))', relation
        );
        execute format('create policy of_service on ads.%I to service_role using (true) with check (true)', relation);
    end loop;
end
$$;

grant select on
    ads.ads, ads.ad_metrics_daily, ads.conversions_daily, ads.ad_totals, ads.creatives, ads.creative_metrics_daily,
    ads.listed_entities
to authenticated;
grant all on
    ads.ads, ads.ad_metrics_daily, ads.conversions_daily, ads.ad_totals, ads.creatives, ads.creative_metrics_daily,
    ads.listed_entities
to service_role;
