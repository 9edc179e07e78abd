-- The change log of a D1 and its readers. Repeating the script changes nothing. D1 has one writer at a time and
-- assigns an id inside its transaction. So no id appears below one that was visible, and a reader's position is one
-- number. It lies beside the log, so that a restore brings both back to the same time.
create table if not exists change_log (
    id integer primary key autoincrement,
    table_name text not null,
    row_id text not null,
    operation text not null check (operation in ('insert', 'update', 'replace', 'delete')),
    old_keys text check (old_keys is null or json_valid(old_keys)),
    new_keys text check (new_keys is null or json_valid(new_keys)),
    changed_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);

create index if not exists change_log_by_table on change_log (table_name);

create table if not exists change_log_readers (
    reader text primary key not null,
    last_id integer not null,
    read_at text not null
);
