-- One row per family, key and day of one object of an access log; lives as long as the transaction.
create temporary table cache_counted (
    family text not null,
    key    text not null,
    day    date not null,
    reads  bigint not null,
    hits   bigint not null
) on commit drop
