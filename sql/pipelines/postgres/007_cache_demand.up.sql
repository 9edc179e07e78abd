-- Whose value a key holds ('' where it is everybody's): where that changes, the old value goes at once.
alter table cache.entries add column tenant text not null default '';

-- How often each key was read on a day, of the access log that the application writes. Kept for as long as it ranks.
create table cache.reads (
    namespace  text not null,
    family     text not null,
    key        text not null,
    day        date not null,
    reads      bigint not null check (reads >= 0),
    hits       bigint not null check (hits between 0 and reads),
    primary key (namespace, family, key, day)
);
comment on column cache.reads.family is 'The family whose template the key fits; empty where it fits none';

-- Objects of the access log that were counted, each in the transaction that counted it.
create table cache.access_objects (
    namespace  text not null,
    object     text not null,
    lines      bigint not null,
    refused    bigint not null,
    reads      bigint not null,
    hits       bigint not null,
    ingested_at timestamptz not null,
    primary key (namespace, object)
);

-- Which lines of them could not be read, and why; their bytes are in the object. Line 0 is the object as a whole.
create table cache.access_refusals (
    namespace  text not null,
    object     text not null,
    line       integer not null,
    reason     text not null,
    primary key (namespace, object, line),
    foreign key (namespace, object) references cache.access_objects on delete cascade
);
