-- A partition of the sessions, with its indexes and triggers. The triggers mark the hours whose metrics are stale.
create table if not exists $table (
    id text primary key not null,
    userId text not null references users (id) on delete cascade,
    strainId text,
    productId text,
    method text,
    amount real check (amount between 0 and 1000000),
    unit text,
    rating integer check (rating between 1 and 5),
    durationSeconds real check (durationSeconds between 0 and 1000000),
    notes text,
    details text not null default '{}' check (json_valid(details)),
    timestamp text not null check (
        timestamp glob '????-??-??T??:??:??.???Z' and timestamp >= '$start' and timestamp < '$end'
    ),
    createdAt text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updatedAt text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);

create index if not exists ${table}_by_user on $table (userId, timestamp, id);

create index if not exists ${table}_by_time on $table (timestamp, id);

-- Rows outside of the partition's window are copies of a month. The triggers of the month itself mark their hours.
create trigger if not exists ${table}_inserted after insert on $table
when exists (
    select 1 from partitions where name = '$table' and new.timestamp >= startsAt and new.timestamp < endsAt
)
begin
    insert into stale_metrics (grain, windowStart)
    select 'hourly', substr(new.timestamp, 1, 13) || ':00:00.000Z'
    where not exists (
        select 1 from stale_metrics
        where grain = 'hourly' and windowStart = substr(new.timestamp, 1, 13) || ':00:00.000Z'
    );
end;

create trigger if not exists ${table}_updated after update on $table
when exists (
    select 1 from partitions where name = '$table' and new.timestamp >= startsAt and new.timestamp < endsAt
)
begin
    insert into stale_metrics (grain, windowStart)
    select 'hourly', hours.hour
    from (
        select substr(old.timestamp, 1, 13) || ':00:00.000Z' as hour
        union
        select substr(new.timestamp, 1, 13) || ':00:00.000Z'
    ) as hours
    where not exists (select 1 from stale_metrics where grain = 'hourly' and windowStart = hours.hour);
end;

create trigger if not exists ${table}_deleted after delete on $table
when exists (
    select 1 from partitions where name = '$table' and old.timestamp >= startsAt and old.timestamp < endsAt
)
begin
    insert into stale_metrics (grain, windowStart)
    select 'hourly', substr(old.timestamp, 1, 13) || ':00:00.000Z'
    where not exists (
        select 1 from stale_metrics
        where grain = 'hourly' and windowStart = substr(old.timestamp, 1, 13) || ':00:00.000Z'
    );
end;

-- INSERT OR REPLACE deletes the row with the same id without a delete trigger. The insert trigger marks its hour if it
-- is the same.
create trigger if not exists ${table}_replaced before insert on $table
when exists (
    select 1 from partitions where name = '$table' and new.timestamp >= startsAt and new.timestamp < endsAt
)
begin
    insert into stale_metrics (grain, windowStart)
    select 'hourly', substr(timestamp, 1, 13) || ':00:00.000Z'
    from $table
    where
        id = new.id
        and substr(timestamp, 1, 13) <> substr(new.timestamp, 1, 13)
        and not exists (
            select 1 from stale_metrics
            where grain = 'hourly' and windowStart = substr($table.timestamp, 1, 13) || ':00:00.000Z'
        );
end;

-- So does UPDATE OR REPLACE.
create trigger if not exists ${table}_pushed_out before update of id on $table
when new.id <> old.id
begin
    insert into stale_metrics (grain, windowStart)
    select 'hourly', substr(timestamp, 1, 13) || ':00:00.000Z'
    from $table
    where
        id = new.id
        and not exists (
            select 1 from stale_metrics
            where grain = 'hourly' and windowStart = substr($table.timestamp, 1, 13) || ':00:00.000Z'
        );
end;
