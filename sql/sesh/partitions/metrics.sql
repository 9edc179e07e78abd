-- A partition of the hourly metrics, with its index.
create table if not exists $table (
    windowStart text not null check (
        windowStart glob '????-??-??T??:00:00.000Z' and windowStart >= '$start' and windowStart < '$end'
    ),
    userId text not null,
    metric text not null,
    entries integer not null,
    total integer not null,
    least integer not null,
    most integer not null,
    primary key (windowStart, userId, metric)
) without rowid;

create index if not exists ${table}_by_user on $table (userId, metric, windowStart);
