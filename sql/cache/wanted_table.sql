-- Makes the table of what a family wants, one row a key. `page_of` is the key itself, or the key of which this is a
-- page.
create temporary table cache_wanted (
    key      text not null,
    page_of  text not null,
    tenant   text not null,
    hash     bytea not null,
    bytes    integer not null,
    position bigint not null
) on commit drop
