-- The log of new images, by which a copy that was read page by page is made exact. Repeating the script changes nothing.
-- A row says what a row of another table was after a change: its image, or null where it was gone. backup_noted holds
-- the keys of rows that a statement may be about to delete without a trigger. Neither has a unique index besides the
-- id, because the OR clause of an application's statement holds for what its triggers write too.
create table if not exists backup_log (
    id integer primary key autoincrement,
    table_name text not null,
    key text not null,
    image text,
    changed_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);

create table if not exists backup_noted (
    id integer primary key,
    table_name text not null,
    k1, k2, k3, k4, k5, k6, k7, k8
);
