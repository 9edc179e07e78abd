-- What we believe to be in each KV namespace: enough to write only what changed. KV itself is never read back.
create schema cache;

create table cache.entries (
    namespace  text not null,
    key        text not null,
    family     text not null,
    hash       bytea not null,
    bytes      integer not null,
    expires_at timestamptz not null,
    written_at timestamptz not null,
    primary key (namespace, key)
);
create index entries_by_family on cache.entries (namespace, family);
