-- A partition of the points of sessions, with its indexes and its trigger.
create table if not exists $table (
    sessionId text not null,
    seq integer not null check (seq >= 1),
    userId text not null references users (id) on delete cascade,
    at text not null check (at glob '????-??-??T??:??:??.???Z' and at >= '$start' and at < '$end'),
    measures text not null check (json_valid(measures)),
    primary key (sessionId, seq)
) without rowid;

create index if not exists ${table}_by_user on $table (userId, at);

create index if not exists ${table}_by_time on $table (at);

-- The ingest marks the hours of a whole batch that it inserts. This trigger is for points that are deleted with their
-- user.
create trigger if not exists ${table}_deleted after delete on $table
when exists (select 1 from partitions where name = '$table' and old.at >= startsAt and old.at < endsAt)
begin
    insert into stale_metrics (grain, windowStart)
    select 'hourly', substr(old.at, 1, 13) || ':00:00.000Z'
    where not exists (
        select 1 from stale_metrics
        where grain = 'hourly' and windowStart = substr(old.at, 1, 13) || ':00:00.000Z'
    );
end;
