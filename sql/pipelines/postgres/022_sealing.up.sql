-- What is known of the keys that seal: how old they are, and since when nothing live refers to one. Nothing of a key
-- itself is here.
create schema sealing;

create table sealing.keys (
    key_id             bigint primary key check (key_id > 0),
    first_seen_at      timestamptz not null,
    unreferenced_since timestamptz,
    retired_at         timestamptz,
    seals              bigint not null default 0
);
comment on table sealing.keys is 'One row a key of the key set, by its id';
comment on column sealing.keys.unreferenced_since is
    'When a count found no live value that the key sealed; backups from before may still hold one';
comment on column sealing.keys.seals is 'How many values the pipelines sealed with it; those of the applications are more';

alter table sealing.keys enable row level security;
create policy of_service on sealing.keys to service_role using (true) with check (true);

revoke all on schema sealing from public;
grant usage on schema sealing to service_role;
grant all on all tables in schema sealing to service_role;
alter default privileges in schema sealing grant all on tables to service_role;
