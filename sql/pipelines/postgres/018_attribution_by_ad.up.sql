-- Attribution by ad: the ad of a touch is the one that its click is of, else the one of its campaign that utm_content
-- names by its id, by the utm_content of its own address (kind `tag`), or by its name. Credits are by ad; where none is known, ad_id is empty, so that sums stay what they were.
create table attribution.ad_labels (
    app         text not null,
    org_id      text not null,
    label       text not null,
    kind        text not null check (kind in ('id', 'tag', 'name')),
    campaign_id text not null,
    ad_id       text not null,
    primary key (app, org_id, ad_id, kind, label)
);
create index ad_labels_by_label on attribution.ad_labels (org_id, campaign_id, md5(label));

alter table attribution.touches
    add column utm_content text not null default '',
    add column ad_id text not null default '';
create index touches_by_content on attribution.touches (org_tag, utm_content) where utm_content <> '';
alter table attribution.clicks add column ad_id text not null default '';
alter table attribution.credits add column ad_id text not null default '';
alter table attribution.credits drop constraint credits_pkey;
alter table attribution.credits add constraint credits_pkey
    primary key (app, day, org_tag, account_day, platform, account_id, campaign_id, reason, ad_id);

-- One row is an ad's day under one model; an empty ad_id is what of a campaign has no known ad. Ads that cost something
-- and brought nothing are there too. What of a campaign's spend is of no ad is in attribution.daily only.
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

alter table attribution.ad_labels enable row level security;
create policy of_own_organisation on attribution.ad_labels for select to authenticated
    using (app = (select ads.current_app()) and org_id = (select ads.current_org()));
create policy of_service on attribution.ad_labels to service_role using (true) with check (true);
grant select on attribution.ad_labels, attribution.daily_ads to authenticated;
grant all on attribution.ad_labels, attribution.daily_ads to service_role;
