-- The change log of a Postgres database, its readers, and the function of its triggers. Repeating it changes nothing.
-- An id is assigned before its transaction commits, so a younger id may become visible first. Each row therefore holds
-- its transaction, and readers go in the order of (transaction, id), up to the oldest transaction that still runs.
create schema if not exists pipelines;

create table if not exists pipelines.change_log (
    id          bigint generated always as identity primary key,
    transaction xid8 not null default pg_current_xact_id(),
    table_name  text not null,
    row_id      text not null,
    operation   text not null check (operation in ('insert', 'update', 'delete')),
    old_keys    jsonb,
    new_keys    jsonb,
    changed_at  timestamptz not null default clock_timestamp()
);
create unique index if not exists change_log_in_order on pipelines.change_log (transaction, id);
create index if not exists change_log_by_table on pipelines.change_log (table_name, id);

create table if not exists pipelines.change_log_readers (
    reader           text primary key,
    last_transaction xid8 not null,
    last_id          bigint not null,
    read_at          timestamptz not null
);

-- Arguments: the column of the row's id, then the columns of the keys. The owner's rights, because roles that write the
-- table have none on the log.
create or replace function pipelines.log_change() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
    old_row jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) end;
    new_row jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) end;
begin
    insert into pipelines.change_log (table_name, row_id, operation, old_keys, new_keys)
    select
        tg_table_schema || '.' || tg_table_name,
        coalesce(new_row, old_row) ->> tg_argv[0],
        lower(tg_op),
        case when old_row is not null then jsonb_object_agg(name, old_row -> name) end,
        case when new_row is not null then jsonb_object_agg(name, new_row -> name) end
    from unnest(tg_argv[1:]) as name;
    return null;
end
$$;
revoke execute on function pipelines.log_change() from public;

-- After a restore into another cluster the numbers of transactions may be higher than its own. The rows get the number
-- of this transaction, and readers read again from the start: that repeats work and loses nothing.
with foreign_rows as (
    update pipelines.change_log set transaction = pg_current_xact_id()
    where transaction >= pg_snapshot_xmax(pg_current_snapshot())
)
update pipelines.change_log_readers set last_transaction = '0', last_id = 0
where last_transaction >= pg_snapshot_xmax(pg_current_snapshot());
