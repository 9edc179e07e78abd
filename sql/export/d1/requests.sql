-- Requests for an export that people made in the application. Repeating the script changes nothing. The application
-- inserts `id` (its own, and no id of a person), `subject` (the person's id or e-mail address) and, where several people
-- may have the id, `kind` of person or `organisation` (its id or tag). When the export is made, `subject` is emptied;
-- `object_key` names the ZIP in R2, and `url` reads it until `expires_at`.
create table if not exists export_requests (
    id text primary key not null,
    subject text,
    kind text,
    organisation text,
    requested_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    state text not null default 'requested',
    why text not null default '',
    object_key text,
    url text,
    expires_at text,
    changed_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);
