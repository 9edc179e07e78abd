-- Requests of people and organisations to be erased, and what became of them. They are here, and not in an app's
-- database, because a request spans every store and outlives the rows that it erases.
create schema privacy;

create table privacy.requests (
    app              text not null,
    id               text not null,
    kind             text not null check (kind in ('person', 'organisation')),
    origin           text not null check (origin in ('command', 'application')),
    state            text not null check (
        state in (
            'received', 'identified', 'confirmed', 'waiting', 'running', 'verifying', 'done', 'refused', 'failed',
            'cancelled'
        )
    ),
    subject_hash     bytea check (length(subject_hash) = 32),
    sealed           bytea,
    plan             jsonb not null default '[]',
    received_at      timestamptz not null,
    changed_at       timestamptz not null,
    waits_until      timestamptz,
    ended_at         timestamptz,
    why              text not null default '',
    receipt          text not null default '',
    primary key (app, id),
    constraint requests_sealed_only_while_open check (
        sealed is null or state in ('received', 'identified', 'confirmed', 'waiting', 'running', 'verifying', 'failed')
    )
);
create unique index requests_open_once on privacy.requests (app, subject_hash)
where state in ('identified', 'confirmed', 'waiting', 'running', 'verifying', 'failed');
comment on table privacy.requests is 'One row a request to erase a person or an organisation';
comment on column privacy.requests.subject_hash is 'Keyed hash of the id that was given; all that stays of it at the end';
comment on column privacy.requests.sealed is 'What identifies the person, sealed by the key set while the request is open';
comment on column privacy.requests.plan is 'The stores in their order, as they were when the request was identified';

create table privacy.steps (
    app        text not null,
    request    text not null,
    position   integer not null,
    place      text not null,
    rows       bigint not null default 0,
    objects    bigint not null default 0,
    written    bigint not null default 0,
    gone_by    date,
    done_at    timestamptz not null,
    primary key (app, request, place),
    foreign key (app, request) references privacy.requests on delete cascade
);
comment on table privacy.steps is 'One row a store in which the request was carried out';
comment on column privacy.steps.gone_by is 'When the last copy that the store itself keeps is gone; null where it is gone';

create table privacy.secrets (
    name   text primary key,
    sealed bytea not null
);
comment on table privacy.secrets is 'One row a random secret of this database, sealed by the key set';

alter table archive.tombstones add column keyed boolean not null default false;
comment on column archive.tombstones.keyed is 'False for a plain SHA-256 of `kind:id`, of before there was a secret';

alter table privacy.requests enable row level security;
alter table privacy.steps enable row level security;
alter table privacy.secrets enable row level security;
create policy of_service on privacy.requests to service_role using (true) with check (true);
create policy of_service on privacy.steps to service_role using (true) with check (true);
create policy of_service on privacy.secrets to service_role using (true) with check (true);

revoke all on schema privacy from public;
grant usage on schema privacy to service_role;
grant all on all tables in schema privacy to service_role;
alter default privileges in schema privacy grant all on tables to service_role;
