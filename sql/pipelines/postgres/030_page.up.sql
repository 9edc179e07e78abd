-- What the page of the pipelines shows and no ledger had: when each batch landed, and how many requests stores were sent.
alter table ingest.batches add column landed_at timestamptz;
comment on column ingest.batches.landed_at is 'When the object landed, by its store; null for batches of before';
create index batches_by_landing on ingest.batches (app, landed_at);

create table health.requests (
    store    text not null,
    class    text not null,
    day      date not null,
    requests bigint not null check (requests >= 0),
    primary key (store, class, day)
);
comment on table health.requests is 'One row a store, class and UTC day: how many requests our processes noted';
comment on column health.requests.store is 'The store that was asked, by the name that `clearlift doctor` prints';
comment on column health.requests.class is 'What its provider charges for, such as R2 class A';
comment on column health.requests.day is 'UTC day on which a process noted them';
comment on column health.requests.requests is 'Requests, keys or rows; at least, because a killed process notes nothing';

alter table health.requests enable row level security;
create policy of_service on health.requests to service_role using (true) with check (true);
grant all on health.requests to service_role;
