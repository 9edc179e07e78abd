-- The ledger of ingestion: which batch was taken by which run, and what became of each of its lines.
create schema ingest;

create table ingest.runs (
    ingest_id    uuid primary key,
    state        text not null check (state in ('prepared', 'committed')),
    started_at   timestamptz not null,
    committed_at timestamptz,
    snapshot_id  bigint,
    check ((state = 'committed') = (committed_at is not null))
);
create index runs_by_state_and_start on ingest.runs (state, started_at);

create table ingest.batches (
    object_key      text not null,
    etag            text not null,
    sha256          text not null,
    ingest_id       uuid not null references ingest.runs on delete cascade,
    bytes           bigint not null,
    received        bigint not null,
    stored          bigint not null,
    doubled         bigint not null,
    quarantined     bigint not null,
    without_consent bigint not null,
    first_event     timestamptz,
    last_event      timestamptz,
    primary key (object_key, etag)
);
create index batches_by_sha256 on ingest.batches (sha256);
create index batches_by_run on ingest.batches (ingest_id);

-- The bytes of a refused line lie in R2 beside their batch's checksum; here is only what became of it.
create table ingest.quarantine (
    sha256     text not null,
    line       bigint not null,
    object_key text not null,
    reason     text not null,
    field      text not null,
    ingest_id  uuid not null references ingest.runs on delete cascade,
    replayed_at timestamptz,
    primary key (sha256, line)
);
create index quarantine_open on ingest.quarantine (reason) where replayed_at is null;
create index quarantine_by_run on ingest.quarantine (ingest_id);

create table ingest.without_consent (
    ingest_id  uuid not null references ingest.runs on delete cascade,
    org_tag    text not null,
    hour       timestamptz not null,
    event_type text not null,
    events     bigint not null,
    primary key (ingest_id, org_tag, hour, event_type)
);

create table ingest.unknown_fields (
    ingest_id uuid not null references ingest.runs on delete cascade,
    field     text not null,
    events    bigint not null,
    primary key (ingest_id, field)
);
