-- Which commits of a table that another program appends events to have landed as batches.
create table ingest.streamed (
    app         text not null,
    source      text not null,
    table_uuid  text not null,
    snapshot_id bigint not null,
    sequence    bigint not null,
    rows        bigint not null check (rows >= 0),
    lines       bigint not null check (lines >= 0),
    batches     integer not null check (batches >= 0),
    landed_at   timestamptz not null,
    primary key (app, source, snapshot_id)
);
comment on table ingest.streamed is 'One row a commit of a stream''s table: its rows landed as batches';
comment on column ingest.streamed.app is 'The application whose events these are';
comment on column ingest.streamed.source is 'The table of the lake, with its namespace';
comment on column ingest.streamed.table_uuid is 'The table''s own id, another one where it was made again';
comment on column ingest.streamed.snapshot_id is 'The snapshot of the commit';
comment on column ingest.streamed.sequence is 'The number of the commit in the table';
comment on column ingest.streamed.rows is 'Rows of its data files, by the table';
comment on column ingest.streamed.lines is 'Lines that landed; as many as rows';
comment on column ingest.streamed.batches is 'Batches that these lines are in';
comment on column ingest.streamed.landed_at is 'When they landed';
create index streamed_by_sequence on ingest.streamed (app, source, table_uuid, sequence);

alter table ingest.streamed enable row level security;
create policy of_service on ingest.streamed to service_role using (true) with check (true);
grant all on ingest.streamed to service_role;
