-- Views show the app of their rows and join by it, and a request sees the rows of its own app only: two apps may have
-- an organisation of the same id, or the same data tag.
drop index attribution.touches_of_google;
create index touches_of_google on attribution.touches (app, day) where named_platform = 'google' and click is not null;

drop view attribution.daily;
drop view attribution.unknown_clicks;
drop view ads.restatement_history;
drop view ads.campaign_totals;
drop view ads.ad_group_totals;
drop view ads.keyword_totals;

create view ads.restatement_history with (security_invoker = true) as
select
    r.app,
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
left join ads.campaigns c on c.app = r.app and c.org_id = r.org_id and c.id = r.campaign_id;

-- Totals are views, not columns: a restated day cannot leave them wrong, and no sync has to rewrite an entity for them.
create view ads.campaign_totals with (security_invoker = true) as
select
    app, org_id, campaign_id, currency,
    sum(spend) as spend, sum(impressions)::bigint as impressions, sum(clicks)::bigint as clicks,
    sum(conversions) as conversions, sum(conversions_value) as conversions_value,
    min(date) as first_day, max(date) as last_day
from ads.campaign_metrics_daily
group by app, org_id, campaign_id, currency;

create view ads.ad_group_totals with (security_invoker = true) as
select
    app, org_id, ad_group_id, currency,
    sum(spend) as spend, sum(impressions)::bigint as impressions, sum(clicks)::bigint as clicks,
    sum(conversions) as conversions, sum(conversions_value) as conversions_value,
    min(date) as first_day, max(date) as last_day
from ads.ad_group_metrics_daily
group by app, org_id, ad_group_id, currency;

create view ads.keyword_totals with (security_invoker = true) as
select
    app, org_id, keyword_id, currency,
    sum(spend) as spend, sum(impressions)::bigint as impressions, sum(clicks)::bigint as clicks,
    sum(conversions) as conversions, sum(conversions_value) as conversions_value,
    min(date) as first_day, max(date) as last_day
from ads.keyword_metrics_daily
group by app, org_id, keyword_id, currency;

-- One row is an account day on which visitors came by clicks that are not known yet, with a hash of these clicks.
create view attribution.unknown_clicks with (security_invoker = true) as
with horizon as materialized (
    -- Once an app, not once a touch. Google reports the clicks of 90 days.
    select known.app, (select max(t.day) - 92 from attribution.touches t where t.app = known.app) as since
    from (select distinct app from attribution.organizations) as known
)
select o.app, o.org_id, a.connection_id, a.account_id, a.time_zone, moments.at_account::date as day,
    md5(string_agg(distinct encode(t.click, 'hex'), ' ' order by encode(t.click, 'hex'))) as unknown
from horizon
join attribution.touches t on t.app = horizon.app and t.day >= horizon.since
join attribution.organizations o on o.app = t.app and o.org_tag = t.org_tag
join ads.ad_accounts a on a.app = o.app and a.org_id = o.org_id and a.platform = 'google'
-- A page is reached some seconds after the click: a landing just after midnight may belong to the day before.
cross join lateral (
    values (t.at at time zone a.time_zone), ((t.at - interval '15 minutes') at time zone a.time_zone)
) as moments (at_account)
where t.named_platform = 'google' and t.click is not null
  and not exists (select from attribution.clicks k where k.app = o.app and k.org_id = o.org_id and k.click = t.click)
group by o.app, o.org_id, a.connection_id, a.account_id, a.time_zone, moments.at_account::date;

-- One row is a campaign's day under one model. Campaigns that cost something and brought nothing are there too. Ad
-- accounts belong to the organisation, so each of its tags shows all of the organisation's numbers.
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

grant select on ads.restatement_history, ads.campaign_totals, ads.ad_group_totals, ads.keyword_totals to authenticated;
grant all on ads.restatement_history, ads.campaign_totals, ads.ad_group_totals, ads.keyword_totals to service_role;
grant select on attribution.unknown_clicks, attribution.daily to authenticated;
grant all on attribution.unknown_clicks, attribution.daily to service_role;

-- The app that a request's token speaks for. Tokens that name none are of the one app that there was before.
create function ads.current_app() returns text
language sql stable
set search_path = ''
as $$
    select coalesce(claims ->> 'app', claims -> 'app_metadata' ->> 'app', 'clearlift')
    from (select nullif(current_setting('request.jwt.claims', true), '')::jsonb as claims) as token
$$;
grant execute on function ads.current_app() to authenticated, service_role;

do $$
declare
    target record;
begin
    for target in
        select schemaname as schema, tablename as name, qual like '%org_tag%' as by_tag
        from pg_policies
        where policyname = 'of_own_organisation' and schemaname in ('ads', 'attribution')
    loop
        execute format('alter policy of_own_organisation on %I.%I using (app = (select ads.current_app()) and %s)',
            target.schema, target.name,
            case when target.by_tag
                then 'org_tag in (select o.org_tag from attribution.organizations o'
                    ' where o.app = (select ads.current_app()) and o.org_id = (select ads.current_org()))'
                else 'org_id = (select ads.current_org())'
            end);
    end loop;
end
$$;
