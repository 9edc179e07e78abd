-- Events counted by window and cut. A window is replaced whole; the primary key leads with it.
create schema rollups;

create table rollups.hourly (
    org_tag  text not null,
    hour     timestamptz not null,
    event_type text not null,
    utm_source text not null,
    utm_medium text not null,
    utm_campaign text not null,
    device_type text not null,
    geo_country text not null,
    events   bigint not null,
    visitors bigint not null,
    sessions bigint not null,
    value    numeric(38, 6) not null,
    primary key (hour, org_tag, event_type, utm_source, utm_medium, utm_campaign, device_type, geo_country)
);

create table rollups.hourly_totals (
    org_tag  text not null,
    hour     timestamptz not null,
    events   bigint not null,
    visitors bigint not null,
    sessions bigint not null,
    value    numeric(38, 6) not null,
    visitor_sketch bytea not null,
    session_sketch bytea not null,
    primary key (hour, org_tag)
);

create table rollups.hourly_pages (
    org_tag  text not null,
    hour     timestamptz not null,
    page_hostname text not null,
    page_path text not null,
    events   bigint not null,
    visitors bigint not null,
    sessions bigint not null,
    value    numeric(38, 6) not null,
    primary key (hour, org_tag, page_hostname, page_path)
);

create table rollups.hourly_sources (
    org_tag  text not null,
    hour     timestamptz not null,
    source text not null,
    utm_medium text not null,
    events   bigint not null,
    visitors bigint not null,
    sessions bigint not null,
    value    numeric(38, 6) not null,
    primary key (hour, org_tag, source, utm_medium)
);

create table rollups.hourly_campaigns (
    org_tag  text not null,
    hour     timestamptz not null,
    utm_campaign text not null,
    utm_source text not null,
    utm_medium text not null,
    events   bigint not null,
    visitors bigint not null,
    sessions bigint not null,
    value    numeric(38, 6) not null,
    primary key (hour, org_tag, utm_campaign, utm_source, utm_medium)
);

create table rollups.daily (
    org_tag  text not null,
    day      date not null,
    event_type text not null,
    utm_source text not null,
    utm_medium text not null,
    utm_campaign text not null,
    device_type text not null,
    geo_country text not null,
    events   bigint not null,
    visitors bigint not null,
    sessions bigint not null,
    value    numeric(38, 6) not null,
    primary key (day, org_tag, event_type, utm_source, utm_medium, utm_campaign, device_type, geo_country)
);

create table rollups.daily_totals (
    org_tag  text not null,
    day      date not null,
    events   bigint not null,
    visitors bigint not null,
    sessions bigint not null,
    value    numeric(38, 6) not null,
    visitor_sketch bytea not null,
    session_sketch bytea not null,
    primary key (day, org_tag)
);

create table rollups.daily_pages (
    org_tag  text not null,
    day      date not null,
    page_hostname text not null,
    page_path text not null,
    events   bigint not null,
    visitors bigint not null,
    sessions bigint not null,
    value    numeric(38, 6) not null,
    primary key (day, org_tag, page_hostname, page_path)
);

create table rollups.daily_sources (
    org_tag  text not null,
    day      date not null,
    source text not null,
    utm_medium text not null,
    events   bigint not null,
    visitors bigint not null,
    sessions bigint not null,
    value    numeric(38, 6) not null,
    primary key (day, org_tag, source, utm_medium)
);

create table rollups.daily_campaigns (
    org_tag  text not null,
    day      date not null,
    utm_campaign text not null,
    utm_source text not null,
    utm_medium text not null,
    events   bigint not null,
    visitors bigint not null,
    sessions bigint not null,
    value    numeric(38, 6) not null,
    primary key (day, org_tag, utm_campaign, utm_source, utm_medium)
);

-- Each window: what it was built from, and the youngest commit of the lake that changed it. org_tag is '' where a
-- window was built for all organisations. A window is stale while wanted > sequence.
create table rollups.windows (
    grain        text not null,
    window_start timestamptz not null,
    org_tag      text not null default '',
    version      integer not null default 0,
    snapshot_id  bigint,
    sequence     bigint not null default -1,
    wanted       bigint not null default -1,
    events       bigint,
    built_at     timestamptz,
    primary key (grain, window_start, org_tag)
);
create index windows_stale on rollups.windows (grain, window_start) where wanted > sequence;

-- How far the commits of the lake were followed.
create table rollups.followed (
    only_row    boolean primary key default true check (only_row),
    snapshot_id bigint not null,
    followed_at timestamptz not null
);
