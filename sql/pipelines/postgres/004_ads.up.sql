-- Ad platforms: accounts, what is in them, what each of their days was worth, and how we came to know it.
--
-- Keys lead with org_id, because two organisations may connect the same ad account: each has its own rows of it.
-- id is platform:account:native id (of a keyword platform:account:ad group:criterion), as bare ids of platforms collide.
-- Days are the account's own (its time_zone). Money is in the account's currency, which stands beside every amount.
create schema ads;

-- The roles of Supabase, where the server has none. Roles are the server's: another database may make them meanwhile.
do $$
declare
    wanted text;
begin
    foreach wanted in array array['anon', 'authenticated', 'service_role'] loop
        if not exists (select from pg_roles where rolname = wanted) then
            begin
                execute format('create role %I nologin', wanted);
            exception when duplicate_object or unique_violation then
                null;
            end;
        end if;
    end loop;
end
$$;

create table ads.ad_accounts (
    org_id        text not null,
    id            text not null,
    platform      text not null,
    account_id    text not null,
    connection_id text not null,
    name          text,
    status        text check (status in ('active', 'paused', 'ended')),
    native_status text,
    currency      text not null,
    time_zone     text not null,
    updated_at    timestamptz not null,
    raw_data      jsonb not null,
    primary key (org_id, id)
);

create table ads.campaigns (
    org_id            text not null,
    id                text not null,
    platform          text not null,
    account_id        text not null,
    native_id         text not null,
    name              text not null,
    status            text check (status in ('active', 'paused', 'ended')),
    native_status     text,
    budget            numeric(20, 6),
    budget_type       text check (budget_type in ('daily', 'lifetime')),
    budget_id         text,
    currency          text not null,
    created_at        timestamptz,
    source_updated_at timestamptz,
    updated_at        timestamptz not null,
    deleted_at        timestamptz,
    -- The run that last wrote the row; of a deleted one, the last that saw it. sync_state has the living ones' last run.
    last_seen_run_id  uuid,
    raw_data          jsonb,
    primary key (org_id, id),
    unique (org_id, platform, account_id, native_id)
);

create table ads.ad_groups (
    org_id            text not null,
    id                text not null,
    campaign_id       text not null,
    platform          text not null,
    account_id        text not null,
    native_id         text not null,
    name              text not null,
    status            text check (status in ('active', 'paused', 'ended')),
    native_status     text,
    bid_amount        numeric(20, 6),
    budget            numeric(20, 6),
    budget_type       text check (budget_type in ('daily', 'lifetime')),
    currency          text not null,
    created_at        timestamptz,
    source_updated_at timestamptz,
    updated_at        timestamptz not null,
    deleted_at        timestamptz,
    last_seen_run_id  uuid,
    raw_data          jsonb,
    primary key (org_id, id),
    unique (org_id, platform, account_id, native_id),
    foreign key (org_id, campaign_id) references ads.campaigns (org_id, id)
);
create index ad_groups_by_campaign on ads.ad_groups (org_id, campaign_id);

create table ads.keywords (
    org_id            text not null,
    id                text not null,
    ad_group_id       text not null,
    platform          text not null,
    account_id        text not null,
    native_id         text not null,
    text              text not null,
    match_type        text check (match_type in ('exact', 'phrase', 'broad')),
    status            text check (status in ('active', 'paused', 'ended')),
    native_status     text,
    bid               numeric(20, 6),
    quality_score     smallint,
    currency          text not null,
    source_updated_at timestamptz,
    updated_at        timestamptz not null,
    deleted_at        timestamptz,
    last_seen_run_id  uuid,
    raw_data          jsonb,
    primary key (org_id, id),
    foreign key (org_id, ad_group_id) references ads.ad_groups (org_id, id)
);
create index keywords_by_ad_group on ads.keywords (org_id, ad_group_id);
create index keywords_by_account on ads.keywords (org_id, platform, account_id);

-- Facts carry no foreign key: it would be asked once a row, and the merge has just made sure of the parents of all of
-- them in one statement. sync_run_id is the run that wrote the row last.
create table ads.campaign_metrics_daily (
    org_id             text not null,
    campaign_id        text not null,
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
    primary key (org_id, campaign_id, date)
);
create index campaign_metrics_daily_by_date on ads.campaign_metrics_daily (date, org_id);

create table ads.ad_group_metrics_daily (
    org_id             text not null,
    ad_group_id        text not null,
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
    primary key (org_id, ad_group_id, date)
);
create index ad_group_metrics_daily_by_date on ads.ad_group_metrics_daily (date, org_id);

create table ads.keyword_metrics_daily (
    org_id             text not null,
    keyword_id         text not null,
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
    primary key (org_id, keyword_id, date)
);
create index keyword_metrics_daily_by_date on ads.keyword_metrics_daily (date, org_id);

-- One synchronisation of one connection.
create table ads.sync_runs (
    id            uuid primary key,
    connection_id text not null,
    org_id        text not null,
    platform      text not null,
    account_id    text not null,
    mode          text not null,
    started_at    timestamptz not null,
    finished_at   timestamptz,
    status        text not null check (status in ('running', 'success', 'error')),
    error_code    text,
    error         text,
    notes         jsonb not null default '{}'
);
create index sync_runs_by_connection on ads.sync_runs (connection_id, started_at);

-- One stream of a connection over one range of days (none for entities): what was asked of the platform at once and
-- merged in one transaction. observed_at is when it was asked; of two slices over one day the later observation stays.
create table ads.sync_slices (
    id            uuid primary key,
    run_id        uuid not null references ads.sync_runs on delete cascade,
    connection_id text not null,
    org_id        text not null,
    platform      text not null,
    account_id    text not null,
    stream        text not null,
    since         date,
    until         date,
    final_until   date,
    observed_at   timestamptz not null,
    state         text not null check (state in ('open', 'staged', 'merged', 'failed', 'resumed')),
    remote_job_id text,
    attempts      integer not null default 1,
    pages         bigint not null default 0,
    rows          bigint not null default 0,
    inserted      bigint not null default 0,
    updated       bigint not null default 0,
    deleted       bigint not null default 0,
    error_code    text,
    error         text,
    raw_prefix    text not null,
    finished_at   timestamptz,
    check ((since is null) = (until is null))
);
create index sync_slices_by_range on ads.sync_slices (connection_id, stream, until, since) where state = 'merged';
create index sync_slices_open on ads.sync_slices (connection_id, stream) where state = 'open';
create index sync_slices_by_run on ads.sync_slices (run_id);

-- How far each stream of a connection has come: written with the data. No day up to synced_through is missing.
create table ads.sync_state (
    connection_id  text not null,
    stream         text not null,
    org_id         text not null,
    platform       text not null,
    account_id     text not null,
    synced_through date,
    observed_at    timestamptz not null,
    run_id         uuid not null,
    slice_id       uuid not null,
    updated_at     timestamptz not null,
    primary key (connection_id, stream)
);

-- The restatement ledger: what a platform changed of a campaign's day after the day had been loaded as final.
-- before is null for a row that appeared, after is null for one that went.
create table ads.restatements (
    id                       bigint generated always as identity primary key,
    org_id                   text not null,
    platform                 text not null,
    account_id               text not null,
    campaign_id              text not null,
    date                     date not null,
    seen_at                  timestamptz not null,
    sync_run_id              uuid not null,
    currency                 text not null,
    impressions_before       bigint,
    impressions_after        bigint,
    clicks_before            bigint,
    clicks_after             bigint,
    spend_before             numeric(20, 6),
    spend_after              numeric(20, 6),
    conversions_before       numeric(18, 6),
    conversions_after        numeric(18, 6),
    conversions_value_before numeric(20, 6),
    conversions_value_after  numeric(20, 6)
);
create index restatements_by_day on ads.restatements (org_id, date, campaign_id);
create index restatements_by_time on ads.restatements (seen_at);

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

-- The organisation that a request's token speaks for. Only what the server signs is read, never user_metadata.
create function ads.current_org() returns text
language sql stable
set search_path = ''
as $$
    select coalesce(claims ->> 'org_id', claims -> 'app_metadata' ->> 'org_id')
    from (select nullif(current_setting('request.jwt.claims', true), '')::jsonb as claims) as token
$$;

do $$
declare
    relation text;
begin
    for relation in
        select table_name from information_schema.tables where table_schema = 'ads' and table_type = 'BASE TABLE'
    loop
        execute format('alter table ads.%I enable row level security', relation);
        -- The function in a select of its own is asked once a query, not once a row.
        execute format(
            'create policy of_own_organisation on ads.%I for select to authenticated'
            ' using (org_id = (select ads.current_org()))', relation
        );
        execute format('create policy of_service on ads.%I to service_role using (true) with check (true)', relation);
    end loop;
end
$$;

revoke all on schema ads from public;
grant usage on schema ads to authenticated, service_role;
grant select on all tables in schema ads to authenticated;
grant all on all tables in schema ads to service_role;
grant execute on function ads.current_org() to authenticated, service_role;
