-- What a family wants, for the length of one warming. `page_of` is the key itself, or the one whose page this key is.
create temporary table cache_wanted (
    key      text not null,
    page_of  text not null,
    tenant   text not null,
    hash     bytea not null,
    bytes    integer not null,
    position bigint not null
) on commit drop
