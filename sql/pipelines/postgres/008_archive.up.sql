-- The registry of archives: what lies in R2 below archive/, and what of it is proved. What is sealed is never written
-- again; what comes later is a further revision.
create schema archive;

-- state: writing, until every part is put and read back; verified, until the manifest is; sealed.
create table archive.revisions (
    app             text not null,
    table_name      text not null,
    quarter         text not null check (quarter ~ '^\d{4}Q[1-4]$'),
    bucket          text not null,
    revision        integer not null check (revision > 0),
    state           text not null check (state in ('writing', 'verified', 'sealed')),
    started_at      timestamptz not null,
    sealed_at       timestamptz,
    rows            bigint,
    rows_added      bigint,
    packed_bytes    bigint,
    line_bytes      bigint,
    parts           integer,
    checksum        text,
    manifest_sha256 text,
    snapshot        text,
    code_version    text,
    -- What the source said of each slice when it was read: equal again means nothing new.
    slices          jsonb not null default '{}',
    primary key (app, table_name, quarter, bucket, revision),
    check ((state = 'sealed') = (sealed_at is not null)),
    check (state = 'writing' or manifest_sha256 is not null)
);
create index revisions_unsealed on archive.revisions (app, table_name, quarter) where state <> 'sealed';
comment on column archive.revisions.rows is 'Rows of all parts that the revision''s manifest names';
comment on column archive.revisions.rows_added is 'Rows of the parts that came with this revision';

-- The newest sealed revision of each bucket.
create view archive.sealed with (security_invoker = true) as
select distinct on (app, table_name, quarter, bucket) *
from archive.revisions
where state = 'sealed'
order by app, table_name, quarter, bucket, revision desc;

-- People who were erased: nothing of theirs comes back from an archive. The subject is known by its hash alone:
-- SHA-256 of `kind:id`, in UTF-8.
create table archive.tombstones (
    app          text not null,
    subject_kind text not null,
    subject_hash bytea not null check (length(subject_hash) = 32),
    erased_at    timestamptz not null,
    primary key (app, subject_kind, subject_hash)
);

-- Where tables are restored to, unless into the live ones.
create schema restored;

alter table archive.revisions enable row level security;
alter table archive.tombstones enable row level security;
create policy of_service on archive.revisions to service_role using (true) with check (true);
create policy of_service on archive.tombstones to service_role using (true) with check (true);

revoke all on schema archive, restored from public;
grant usage on schema archive to service_role;
grant all on all tables in schema archive to service_role;
grant usage, create on schema restored to service_role;
