-- How many requests a service may still get now, counted for all processes together.
create schema pacing;
comment on schema pacing is 'How many requests a service may still get, for all processes together';

create table pacing.buckets (
    key      text primary key,
    free_at  timestamptz not null
);
comment on table pacing.buckets is 'One row a service that takes a limited number of requests: a token bucket';
comment on column pacing.buckets.key is 'The service, and what of it is limited';
comment on column pacing.buckets.free_at is 'When the bucket is full again';

alter table pacing.buckets enable row level security;
create policy of_service on pacing.buckets to service_role using (true) with check (true);

revoke all on schema pacing from public;
grant usage on schema pacing to service_role;
grant all on all tables in schema pacing to service_role;
