-- What a platform could answer at once, and how many requests a sync took. One row of sync_ranges is a stream of which
-- the platform refused more days than these.
create table ads.sync_ranges (
    app           text not null,
    connection_id text not null,
    stream        text not null,
    org_id        text not null,
    platform      text not null,
    account_id    text not null,
    longest_days  integer not null,
    found_at      timestamptz not null,
    primary key (app, connection_id, stream)
);
alter table ads.sync_ranges enable row level security;
create policy of_own_organisation on ads.sync_ranges for select to authenticated
    using (app = (select ads.current_app()) and org_id = (select ads.current_org()));
create policy of_service on ads.sync_ranges to service_role using (true) with check (true);
grant select on ads.sync_ranges to authenticated;
grant all on ads.sync_ranges to service_role;

alter table ads.sync_runs add column requests bigint not null default 0;
