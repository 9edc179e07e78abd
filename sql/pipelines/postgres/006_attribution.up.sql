-- Attribution: which campaign brought which conversion. Touches and conversions are taken from the lake a UTC day at a
-- time, credits are made of them, and the view daily sets credits beside what the platforms were paid.
--
-- Visitors, sessions, events and click ids are hashes. Days are UTC days of events, except account_day, which is the day
-- in the time zone of the ad account: credits reconcile by the one and meet the spend by the other.
create schema attribution;

-- Whose tag is whose, and the organisation's own rules: a mirror of D1.
create table attribution.organizations (
    org_tag          text primary key,
    org_id           text not null,
    conversion_types text[] not null,
    window_days      integer not null,
    -- Which change of conversion types this row had last; 0 where it always had the default ones.
    types_change     bigint not null default 0
);
create index organizations_by_org on attribution.organizations (org_id);
create sequence attribution.types_changes;

-- What each day was made from; its credits are to be made again while changed > credited.
create table attribution.windows (
    day          date primary key,
    version      integer not null,
    snapshot_id  bigint,
    sequence     bigint not null,
    types_change bigint not null,
    touches      bigint not null,
    conversions  bigint not null,
    built_at     timestamptz not null,
    changed      bigint not null default 0,
    credited     bigint not null default -1
);
create index windows_uncredited on attribution.windows (day) where changed > credited;

-- The first event of a visitor's session, on a UTC day, that names a campaign: by a click id or by utm_campaign. One
-- whose session named one on the day before goes that visit on, and counts for nothing.
create table attribution.touches (
    day            date not null,
    org_tag        text not null,
    visitor        bytea not null,
    session        bytea not null,
    at             timestamptz not null,
    named_platform text not null,
    click          bytea,
    utm_campaign   text not null,
    platform       text not null default '',
    account_id     text not null default '',
    campaign_id    text not null default '',
    reason         text,
    primary key (day, org_tag, visitor, session)
);
create index touches_by_visitor on attribution.touches (org_tag, visitor, at);
create index touches_by_label on attribution.touches (org_tag, utm_campaign);
create index touches_of_google on attribution.touches (day) where named_platform = 'google' and click is not null;
create index touches_by_click on attribution.touches (click) where click is not null;
comment on column attribution.touches.named_platform is 'The platform that the click id, else utm_source, tells of';
comment on column attribution.touches.reason is 'Why the touch has no campaign; empty where it has one';

create table attribution.conversions (
    day     date not null,
    org_tag text not null,
    event   bytea not null,
    visitor bytea,
    at      timestamptz not null,
    value   numeric(38, 6) not null,
    primary key (day, org_tag, event)
);
create index conversions_by_visitor on attribution.conversions (org_tag, visitor, at) where visitor is not null;
comment on column attribution.conversions.visitor is 'Null where the event came without consent to marketing';

-- Texts that name a campaign in utm_campaign: its id, and every name that it has had since it was first synced.
create table attribution.labels (
    org_id      text not null,
    label       text not null,
    kind        text not null check (kind in ('id', 'name')),
    platform    text not null,
    account_id  text not null,
    campaign_id text not null,
    primary key (org_id, campaign_id, kind, label)
);
-- By a hash: a campaign's name may be longer than an index takes.
create index labels_by_label on attribution.labels (org_id, md5(label));

-- Whose click a touch's click id is, as the platform said.
create table attribution.clicks (
    org_id      text not null,
    click       bytea not null,
    platform    text not null,
    account_id  text not null,
    campaign_id text not null,
    primary key (org_id, click)
);
-- Account days that a platform was asked for, and which of the day's clicks (as a hash) it did not know then.
create table attribution.click_days (
    org_id     text not null,
    account_id text not null,
    day        date not null,
    asked_at   timestamptz not null,
    unknown    text not null,
    primary key (org_id, account_id, day)
);

-- Per model: each conversion is shared out whole, so that the sums of a day are its conversions, to the digit.
create table attribution.credits (
    day                date not null,
    org_tag            text not null,
    account_day        date not null,
    platform           text not null,
    account_id         text not null,
    campaign_id        text not null,
    reason             text not null,
    visits             bigint not null,
    first_conversions  numeric(38, 6) not null,
    last_conversions   numeric(38, 6) not null,
    linear_conversions numeric(38, 6) not null,
    first_revenue      numeric(38, 6) not null,
    last_revenue       numeric(38, 6) not null,
    linear_revenue     numeric(38, 6) not null,
    primary key (day, org_tag, account_day, platform, account_id, campaign_id, reason)
);
create index credits_by_account_day on attribution.credits (org_tag, account_day);
comment on column attribution.credits.day is 'UTC day of the conversion, or of the visit: sums by it reconcile exactly';
comment on column attribution.credits.account_day is
    'The same moment''s day in the time zone of the ad account, as spend has it; the UTC day where no campaign is known';
comment on column attribution.credits.reason is
    'Empty for a campaign; else why there is none: no_touch, no_consent, unknown_click, unknown_campaign, '
    'ambiguous_campaign';
comment on column attribution.credits.first_revenue is
    'Sum of event_value, which is taken to be in the account''s currency';

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
  -- Google tells of 90 days.
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

do $$
declare
    relation text;
begin
    for relation in
        select table_name from information_schema.tables where table_schema = 'attribution' and table_type = 'BASE TABLE'
    loop
        execute format('alter table attribution.%I enable row level security', relation);
        execute format('create policy of_service on attribution.%I to service_role using (true) with check (true)', relation);
    end loop;
    foreach relation in array array['organizations', 'labels', 'clicks', 'click_days'] loop
        execute format(
            'create policy of_own_organisation on attribution.%I for select to authenticated'
            ' using (org_id = (select ads.current_org()))', relation
        );
    end loop;
    foreach relation in array array['touches', 'conversions', 'credits'] loop
        execute format(
            'create policy of_own_organisation on attribution.%I for select to authenticated'
            ' using (org_tag in (select o.org_tag from attribution.organizations o'
            ' where o.org_id = (select ads.current_org())))', relation
        );
    end loop;
end
$$;

revoke all on schema attribution from public;
grant usage on schema attribution to authenticated, service_role;
grant select on all tables in schema attribution to authenticated;
grant all on all tables in schema attribution to service_role;
grant usage on all sequences in schema attribution to service_role;
