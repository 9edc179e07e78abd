-- What is wrong, since when, and what was sent about it; and the figures of stores by which growth and slowness are seen.
create schema health;

create table health.looks (
    app        text not null,
    name       text not null,
    looked_at  timestamptz not null,
    primary key (app, name)
);
comment on table health.looks is 'One row a health check: when it looked last';

create table health.findings (
    app          text not null,
    name         text not null,
    subject      text not null,
    severity     text not null check (severity in ('warning', 'critical')),
    message      text not null,
    command      text not null,
    since        timestamptz not null,
    shown_from   timestamptz not null,
    seen_at      timestamptz not null,
    resolved_at  timestamptz,
    sent         text check (sent in ('warning', 'critical', 'resolved')),
    primary key (app, name, subject)
);
comment on table health.findings is 'One row a thing that is wrong, or was: the check that found it, and what it concerns';
comment on column health.findings.command is 'The one command that ends it';
comment on column health.findings.shown_from is 'Until then it may pass by itself';
comment on column health.findings.sent is 'The state that the last alert about it had; null before the first one';

create table health.alerts (
    key        text primary key,
    made_at    timestamptz not null,
    title      text not null,
    body       text not null,
    severity   text not null check (severity in ('warning', 'critical')),
    tries      integer not null default 0,
    next_at    timestamptz not null,
    sent_at    timestamptz
);
comment on table health.alerts is 'One row a message to people: written together with the findings that it names, then sent';
comment on column health.alerts.key is 'The same in every try, so that a receiver knows a message that comes twice';
create index alerts_unsent on health.alerts (next_at) where sent_at is null;

create table health.samples (
    measure  text not null check (measure in ('bytes', 'milliseconds')),
    subject  text not null,
    at       timestamptz not null,
    value    double precision not null check (value >= 0),
    primary key (measure, subject, at)
);
comment on table health.samples is 'One row a measurement of a store: how large it is, or how long a look at it took';

alter table health.looks enable row level security;
alter table health.findings enable row level security;
alter table health.alerts enable row level security;
alter table health.samples enable row level security;
create policy of_service on health.looks to service_role using (true) with check (true);
create policy of_service on health.findings to service_role using (true) with check (true);
create policy of_service on health.alerts to service_role using (true) with check (true);
create policy of_service on health.samples to service_role using (true) with check (true);

revoke all on schema health from public;
grant usage on schema health to service_role;
grant all on all tables in schema health to service_role;
alter default privileges in schema health grant all on tables to service_role;
