-- Views and policies as they were before rows said whose app they are of.
drop index attribution.touches_of_google;
create index touches_of_google on attribution.touches (day) where named_platform = 'google' and click is not null;

drop view attribution.daily;
drop view attribution.unknown_clicks;
drop view ads.restatement_history;
drop view ads.campaign_totals;
drop view ads.ad_group_totals;
drop view ads.keyword_totals;

create view ads.restatement_history with (security_invoker = true) as
select
    r.org_id,
    r.platform,
    r.account_id,
    r.campaign_id,
    c.name as campaign_name,
    r.date,
    r.seen_at,
    r.seen_at::date - r.date as days_later,
    case
        when r.spend_before is null then 'appeared'
        when r.spend_after is null then 'vanished'
        else 'changed'
    end as kind,
    r.currency,
    coalesce(r.spend_after, 0) - coalesce(r.spend_before, 0) as spend_change,
    coalesce(r.clicks_after, 0) - coalesce(r.clicks_before, 0) as clicks_change,
    coalesce(r.impressions_after, 0) - coalesce(r.impressions_before, 0) as impressions_change,
    coalesce(r.conversions_after, 0) - coalesce(r.conversions_before, 0) as conversions_change,
    coalesce(r.conversions_value_after, 0) - coalesce(r.conversions_value_before, 0) as conversions_value_change,
    r.spend_before,
    r.spend_after,
    r.conversions_before,
    r.conversions_after,
    r.sync_run_id
from ads.restatements r
left join ads.campaigns c on c.org_id = r.org_id and c.id = r.campaign_id;

-- Totals are views, not columns: a restated day can't leave them wrong, and no sync has to rewrite an entity for them.
create view ads.campaign_totals with (security_invoker = true) as
select
    org_id, campaign_id, currency,
    sum(spend) as spend, sum(impressions)::bigint as impressions, sum(clicks)::bigint as clicks,
    sum(conversions) as conversions, sum(conversions_value) as conversions_value,
    min(date) as first_day, max(date) as last_day
from ads.campaign_metrics_daily
group by org_id, campaign_id, currency;

create view ads.ad_group_totals with (security_invoker = true) as
select
    org_id, ad_group_id, currency,
    sum(spend) as spend, sum(impressions)::bigint as impressions, sum(clicks)::bigint as clicks,
    sum(conversions) as conversions, sum(conversions_value) as conversions_value,
    min(date) as first_day, max(date) as last_day
from ads.ad_group_metrics_daily
group by org_id, ad_group_id, currency;

create view ads.keyword_totals with (security_invoker = true) as
select
    org_id, keyword_id, currency,
    sum(spend) as spend, sum(impressions)::bigint as impressions, sum(clicks)::bigint as clicks,
    sum(conversions) as conversions, sum(conversions_value) as conversions_value,
    min(date) as first_day, max(date) as last_day
from ads.keyword_metrics_daily
group by org_id, keyword_id, currency;

-- Account days on which visitors came by clicks that are not known yet, with which ones (as a hash).
create view attribution.unknown_clicks with (security_invoker = true) as
select o.org_id, a.connection_id, a.account_id, a.time_zone, moments.at_account::date as day,
    md5(string_agg(distinct encode(t.click, 'hex'), ' ' order by encode(t.click, 'hex'))) as unknown
from attribution.touches t
join attribution.organizations o using (org_tag)
join ads.ad_accounts a on a.org_id = o.org_id and a.platform = 'google'
-- A page is reached some seconds after the click: one that landed just after midnight may be the day before's.
cross join lateral (
    values (t.at at time zone a.time_zone), ((t.at - interval '15 minutes') at time zone a.time_zone)
) as moments (at_account)
where t.named_platform = 'google' and t.click is not null
  -- Google reports the clicks of 90 days.
  and t.day >= (select max(latest.day) - 92 from attribution.touches latest)
  and not exists (select from attribution.clicks k where k.org_id = o.org_id and k.click = t.click)
group by o.org_id, a.connection_id, a.account_id, a.time_zone, moments.at_account::date;

-- One row a model. Campaigns that cost something and brought nothing are there too. Ad accounts belong to the
-- organisation, so each of its tags shows all of the organisation's numbers.
create view attribution.daily with (security_invoker = true) as
with both_sides as (
    select o.org_tag, o.org_id, c.platform, c.account_id, c.campaign_id, c.reason, c.account_day as day,
        null as currency, 0 as spend, c.visits, c.first_conversions, c.first_revenue, c.last_conversions, c.last_revenue,
        c.linear_conversions, c.linear_revenue
    from attribution.organizations o
    join attribution.organizations own using (org_id)
    join attribution.credits c on c.org_tag = own.org_tag
    union all
    select o.org_tag, o.org_id, m.platform, m.account_id, m.campaign_id, '', m.date, m.currency, m.spend, 0, 0, 0, 0, 0,
        0, 0
    from attribution.organizations o
    join ads.campaign_metrics_daily m using (org_id)
), summed as (
    -- Grouped by what readers ask by, so that their conditions reach the tables.
    select org_tag, org_id, platform, account_id, campaign_id, reason, day, max(currency) as currency,
        sum(spend) as spend, sum(visits)::bigint as visits,
        sum(first_conversions) as first_conversions, sum(first_revenue) as first_revenue,
        sum(last_conversions) as last_conversions, sum(last_revenue) as last_revenue,
        sum(linear_conversions) as linear_conversions, sum(linear_revenue) as linear_revenue
    from both_sides
    group by org_tag, org_id, platform, account_id, campaign_id, reason, day
)
select b.org_tag, b.org_id, b.platform, b.account_id, b.campaign_id, k.name as campaign_name, b.reason, b.day, m.model,
    coalesce(b.currency, a.currency) as currency, b.visits,
    m.conversions, m.revenue, b.spend, b.spend / nullif(m.conversions, 0) as cpa, m.revenue / nullif(b.spend, 0) as roas
from summed b
left join ads.campaigns k on k.org_id = b.org_id and k.id = b.campaign_id
left join ads.ad_accounts a on a.org_id = b.org_id and a.platform = b.platform and a.account_id = b.account_id
cross join lateral (
    values ('first', b.first_conversions, b.first_revenue), ('last', b.last_conversions, b.last_revenue),
        ('linear', b.linear_conversions, b.linear_revenue)
) as m (model, conversions, revenue);
comment on view attribution.daily is
    'Visits, conversions, revenue, spend, CPA and ROAS by campaign, account day and model (first, last, linear). What '
    'has no campaign is a row of its own, with the reason and its UTC day. Revenue is event_value, taken to be in the '
    'account''s currency';

grant select on ads.restatement_history, ads.campaign_totals, ads.ad_group_totals, ads.keyword_totals to authenticated;
grant all on ads.restatement_history, ads.campaign_totals, ads.ad_group_totals, ads.keyword_totals to service_role;
grant select on attribution.unknown_clicks, attribution.daily to authenticated;
grant all on attribution.unknown_clicks, attribution.daily to service_role;

do $$
declare
    target record;
begin
    for target in
        select schemaname as schema, tablename as name, qual like '%org_tag%' as by_tag
        from pg_policies
        where policyname = 'of_own_organisation' and schemaname in ('ads', 'attribution')
    loop
        execute format('alter policy of_own_organisation on %I.%I using (%s)', target.schema, target.name,
            case when target.by_tag
                then 'org_tag in (select o.org_tag from attribution.organizations o'
                    ' where o.org_id = (select ads.current_org()))'
                else 'org_id = (select ads.current_org())'
            end);
    end loop;
end
$$;
drop function ads.current_app();
