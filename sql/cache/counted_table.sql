-- Makes the table of what one object counts: one row a key and day.
create temporary table cache_counted (
    family text not null,
    key    text not null,
    day    date not null,
    reads  bigint not null,
    hits   bigint not null
) on commit drop
