-- Requests of people that the application puts here: to be erased, and for an export of all that is held of them. It
-- inserts `id` (its own, and no id of a person), `subject` (the person's id or e-mail address) and `kind` of person where
-- several may have the id. `subject` is emptied when the request is taken over or answered.
create table pipelines.erasure_requests (
    id           text primary key,
    subject      text,
    kind         text,
    organisation text,
    requested_at timestamptz not null default now(),
    state        text not null default 'requested',
    why          text not null default '',
    changed_at   timestamptz not null default now()
);
comment on table pipelines.erasure_requests is 'One row a request to be erased, and what became of it';

create table pipelines.export_requests (
    id           text primary key,
    subject      text,
    kind         text,
    organisation text,
    requested_at timestamptz not null default now(),
    state        text not null default 'requested',
    why          text not null default '',
    object_key   text,
    url          text,
    expires_at   timestamptz,
    changed_at   timestamptz not null default now()
);
comment on table pipelines.export_requests is 'One row a request for an export, and the URL that reads it until it expires';

alter table pipelines.erasure_requests enable row level security;
alter table pipelines.export_requests enable row level security;
create policy of_service on pipelines.erasure_requests to service_role using (true) with check (true);
create policy of_service on pipelines.export_requests to service_role using (true) with check (true);
grant select, insert, update, delete on pipelines.erasure_requests, pipelines.export_requests to service_role;
