-- Weeks and months, made of the daily roll-ups: sums are exact. Distinct counts do not add up over days, so totals merge
-- the days' sketches, and the other cuts hold the sum of the days' distinct counts, named as what it is.
create table rollups.weekly (
    org_tag  text not null,
    week     date not null,
    event_type text not null,
    utm_source text not null,
    utm_medium text not null,
    utm_campaign text not null,
    device_type text not null,
    geo_country text not null,
    events   bigint not null,
    daily_visitors bigint not null,
    daily_sessions bigint not null,
    value    numeric(38, 6) not null,
    primary key (week, org_tag, event_type, utm_source, utm_medium, utm_campaign, device_type, geo_country)
);

create table rollups.weekly_totals (
    org_tag  text not null,
    week     date not null,
    events   bigint not null,
    visitors bigint not null,
    sessions bigint not null,
    exact    boolean not null,
    value    numeric(38, 6) not null,
    visitor_sketch bytea not null,
    session_sketch bytea not null,
    primary key (week, org_tag)
);

create table rollups.weekly_pages (
    org_tag  text not null,
    week     date not null,
    page_hostname text not null,
    page_path text not null,
    events   bigint not null,
    daily_visitors bigint not null,
    daily_sessions bigint not null,
    value    numeric(38, 6) not null,
    primary key (week, org_tag, page_hostname, page_path)
);

create table rollups.weekly_sources (
    org_tag  text not null,
    week     date not null,
    source text not null,
    utm_medium text not null,
    events   bigint not null,
    daily_visitors bigint not null,
    daily_sessions bigint not null,
    value    numeric(38, 6) not null,
    primary key (week, org_tag, source, utm_medium)
);

create table rollups.weekly_campaigns (
    org_tag  text not null,
    week     date not null,
    utm_campaign text not null,
    utm_source text not null,
    utm_medium text not null,
    events   bigint not null,
    daily_visitors bigint not null,
    daily_sessions bigint not null,
    value    numeric(38, 6) not null,
    primary key (week, org_tag, utm_campaign, utm_source, utm_medium)
);

create table rollups.monthly (
    org_tag  text not null,
    month    date not null,
    event_type text not null,
    utm_source text not null,
    utm_medium text not null,
    utm_campaign text not null,
    device_type text not null,
    geo_country text not null,
    events   bigint not null,
    daily_visitors bigint not null,
    daily_sessions bigint not null,
    value    numeric(38, 6) not null,
    primary key (month, org_tag, event_type, utm_source, utm_medium, utm_campaign, device_type, geo_country)
);

create table rollups.monthly_totals (
    org_tag  text not null,
    month    date not null,
    events   bigint not null,
    visitors bigint not null,
    sessions bigint not null,
    exact    boolean not null,
    value    numeric(38, 6) not null,
    visitor_sketch bytea not null,
    session_sketch bytea not null,
    primary key (month, org_tag)
);

create table rollups.monthly_pages (
    org_tag  text not null,
    month    date not null,
    page_hostname text not null,
    page_path text not null,
    events   bigint not null,
    daily_visitors bigint not null,
    daily_sessions bigint not null,
    value    numeric(38, 6) not null,
    primary key (month, org_tag, page_hostname, page_path)
);

create table rollups.monthly_sources (
    org_tag  text not null,
    month    date not null,
    source text not null,
    utm_medium text not null,
    events   bigint not null,
    daily_visitors bigint not null,
    daily_sessions bigint not null,
    value    numeric(38, 6) not null,
    primary key (month, org_tag, source, utm_medium)
);

create table rollups.monthly_campaigns (
    org_tag  text not null,
    month    date not null,
    utm_campaign text not null,
    utm_source text not null,
    utm_medium text not null,
    events   bigint not null,
    daily_visitors bigint not null,
    daily_sessions bigint not null,
    value    numeric(38, 6) not null,
    primary key (month, org_tag, utm_campaign, utm_source, utm_medium)
);

do $$
declare
    name text;
begin
    foreach name in array array['weekly', 'monthly'] loop
        execute format('comment on column rollups.%I_totals.visitors is %L', name,
            'Distinct anonymous_id, from the merged sketches of the days: exact where exact is true, else an estimate '
            'with a relative standard error of 1.1 per cent');
        execute format('comment on column rollups.%I_totals.sessions is %L', name,
            'Distinct session_id, counted as visitors are');
    end loop;
end $$;

-- Rows that commits added to a window since it was built: what waits while it is stale.
alter table rollups.windows add column pending bigint not null default 0;

create schema sessions;

-- Sessions by the UTC day that they started on, as the tracker reports them and as recomputed from 30 minutes of
-- inactivity. Visitors and the tracker's session ids are hashes.
create table sessions.daily (
    org_tag      text not null,
    day          date not null,
    origin       text not null check (origin in ('tracker', 'recomputed')),
    session      bytea not null,
    visitor      bytea not null,
    started_at   timestamptz not null,
    ended_at     timestamptz not null,
    duration_seconds double precision not null,
    events       bigint not null,
    page_views   bigint not null,
    bounced      boolean not null,
    landing_hostname text not null,
    landing_path text not null,
    exit_hostname text not null,
    exit_path    text not null,
    first_source text not null,
    first_medium text not null,
    first_campaign text not null,
    last_source  text not null,
    last_medium  text not null,
    last_campaign text not null,
    primary key (day, org_tag, origin, session, started_at)
);
comment on column sessions.daily.session is 'Hash of the tracker''s session id; of a recomputed session, its visitor';
comment on column sessions.daily.bounced is 'At most one page view';
comment on column sessions.daily.first_source is
    'Of the session''s first event that names a campaign or a foreign referrer; direct where none does';

-- What each day's sessions were made from, and how many there were of either origin.
create table sessions.windows (
    day          date primary key,
    version      integer not null,
    snapshot_id  bigint,
    sequence     bigint not null,
    tracker      bigint not null,
    recomputed   bigint not null,
    built_at     timestamptz not null
);
