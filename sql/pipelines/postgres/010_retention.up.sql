-- What was deleted because it was old enough: noted before it goes, settled after. And which days of the lake are
-- archived only, so that no aggregate is made of what is left of them.
create schema retention;

create table retention.deletions (
    id             uuid primary key default gen_random_uuid(),
    app            text not null,
    store          text not null,
    name           text not null,
    place          text not null,
    intended_rows  bigint not null check (intended_rows >= 0),
    intended_bytes bigint not null default 0 check (intended_bytes >= 0),
    rows           bigint check (rows >= 0),
    bytes          bigint check (bytes >= 0),
    run            text not null,
    began_at       timestamptz not null,
    settled_at     timestamptz,
    why            text not null,
    check ((settled_at is null) = (rows is null))
);
create index deletions_unsettled on retention.deletions (app, store, name) where settled_at is null;
create index deletions_by_time on retention.deletions (app, began_at);
-- Rows of Postgres go in many short transactions, which share a note.
create unique index deletions_of_a_run on retention.deletions (app, store, name, place, run) where store = 'postgres';
comment on column retention.deletions.place is 'A day of an organisation, a quarter''s bucket, a partition, a prefix';
comment on column retention.deletions.rows is 'Rows or objects that went; null until it is known';
comment on column retention.deletions.why is 'What proved that they may go';

-- Days of the lake whose rows are archived only: written before the commit that drops them, settled after it. They are
-- never counted from the lake alone, until a restore has brought all of them back.
create table retention.pruned_days (
    org_tag   text not null,
    day       date not null,
    quarter   text not null,
    commit_id uuid not null,
    settled   boolean not null default false,
    rows      bigint not null,
    marked_at timestamptz not null,
    primary key (org_tag, day)
);
create index pruned_days_by_day on retention.pruned_days (day);
create index pruned_days_unsettled on retention.pruned_days (commit_id) where not settled;
comment on column retention.pruned_days.settled is 'Whether the commit is known to have landed';

-- Days whose rows were found to agree with what is kept of them, and go: they are not made or credited again from what
-- is left.
alter table sessions.windows add column pruned boolean not null default false;
alter table attribution.windows add column pruned boolean not null default false;

alter table retention.deletions enable row level security;
alter table retention.pruned_days enable row level security;
create policy of_service on retention.deletions to service_role using (true) with check (true);
create policy of_service on retention.pruned_days to service_role using (true) with check (true);

revoke all on schema retention from public;
grant usage on schema retention to service_role;
grant all on all tables in schema retention to service_role;
