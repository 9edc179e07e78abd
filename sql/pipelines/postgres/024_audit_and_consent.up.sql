-- The audit trail: what was read or changed of personal data, and by whom. Each entry holds the hash of the one before it,
-- so that an entry that was changed, removed, inserted or moved breaks the chain. Entries come by `append` alone: roles
-- that work here may not write the table, and a trigger refuses changes by its owner too.
create schema audit;

create table audit.entries (
    seq      bigint primary key,
    at       timestamptz not null,
    app      text not null,
    actor    text not null,
    work     text not null,
    act      text not null check (act in ('read', 'changed')),
    store    text not null,
    place    text not null,
    columns  text[] not null,
    rows     bigint check (rows >= 0),
    subject  bytea,
    hash     bytea not null
);
comment on table audit.entries is 'One row an act on personal data: who, where, how much; never a value';
comment on column audit.entries.rows is 'How many rows, lines or objects; null where it is not known';
comment on column audit.entries.subject is 'Keyed hash of the person whom it is about; null where it is about several';
comment on column audit.entries.hash is 'SHA-256 of the hash before it and of the other columns, as in assets/audit/entry.py';
create index entries_of_app on audit.entries (app, at);

create table audit.followed (
    app               text not null,
    store             text not null,
    first_transaction bigint not null,
    first_id          bigint not null,
    first_changed_at  timestamptz not null,
    last_transaction  bigint not null,
    last_id           bigint not null,
    primary key (app, store)
);
comment on table audit.followed is 'The last page of an app''s change log that entries were made of: one row a log';

-- Appends entries (a JSON array of objects) and returns the last one's number. One transaction at a time: a number is never
-- left out, and an entry knows the one before it. The lock ends with the transaction, so append at its end.
create function audit.append(entries jsonb) returns bigint
language plpgsql security definer set search_path = '' set timezone = 'UTC' as $$
declare
    entry jsonb;
    last_seq bigint;
    last_hash bytea;
begin
    perform pg_advisory_xact_lock(hashtextextended('audit.entries', 0));
    select e.seq, e.hash into last_seq, last_hash from audit.entries e order by e.seq desc limit 1;
    last_seq := coalesce(last_seq, 0);
    last_hash := coalesce(last_hash, '\x');
    for entry in select value from jsonb_array_elements(entries) loop
        last_seq := last_seq + 1;
        last_hash := sha256(last_hash || convert_to(jsonb_build_array(
            last_seq,
            to_char((entry ->> 'at')::timestamptz, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            entry -> 'app', entry -> 'actor', entry -> 'work', entry -> 'act', entry -> 'store', entry -> 'place',
            entry -> 'columns', entry -> 'rows', entry -> 'subject'
        )::text, 'UTF8'));
        insert into audit.entries
        values (
            last_seq, (entry ->> 'at')::timestamptz, entry ->> 'app', entry ->> 'actor', entry ->> 'work',
            entry ->> 'act', entry ->> 'store', entry ->> 'place',
            array(select jsonb_array_elements_text(entry -> 'columns')),
            (entry ->> 'rows')::bigint, decode(entry ->> 'subject', 'hex'), last_hash
        );
    end loop;
    return last_seq;
end
$$;

create function audit.refuse() returns trigger
language plpgsql as $$
begin
    raise exception 'entries of the audit trail are never changed or deleted' using errcode = 'insufficient_privilege';
end
$$;
create trigger append_only before update or delete or truncate on audit.entries
    for each statement execute function audit.refuse();

revoke all on schema audit from public;
revoke all on function audit.append(jsonb) from public;
grant usage on schema audit to service_role;
grant select on audit.entries to service_role;
grant select, insert, update on audit.followed to service_role;
grant execute on function audit.append(jsonb) to service_role;

-- What people chose about marketing and the sale of their data, from their events and from the app's list.
create schema consent;

create table consent.choices (
    app          text not null,
    org_tag      text not null,
    subject_kind text not null check (subject_kind in ('visitor', 'user')),
    subject      bytea not null,
    at           timestamptz not null,
    source       text not null check (source in ('flag', 'signal', 'list')),
    refuses      boolean not null,
    primary key (app, org_tag, subject_kind, subject, source, at)
);
comment on table consent.choices is 'One row a choice of a visitor or user, as a hash of organisation and id, and its moment';
comment on column consent.choices.source is 'flag: consent_marketing of an event. signal: opt-out of a browser. list: of the app';
create index choices_of_day on consent.choices (app, at);

revoke all on schema consent from public;
grant usage on schema consent to service_role;
grant all on all tables in schema consent to service_role;
alter default privileges in schema consent grant all on tables to service_role;
