-- Requests to be erased that people made in the application. Repeating the script changes nothing. The application
-- inserts `id` (its own, and no id of a person), `subject` (the person's id or e-mail address) and, where several people
-- may have the id, `kind` of person or `organisation` (its id or tag). When the request is taken over, `subject` is
-- emptied, and `state` follows it.
create table if not exists erasure_requests (
    id text primary key not null,
    subject text,
    kind text,
    requested_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    state text not null default 'requested',
    why text not null default '',
    changed_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    organisation text
);
