-- Moves the reader ?1 to the id ?2, at the time ?3. A reader never goes back: then no row changes.
insert into change_log_readers (reader, last_id, read_at) values (?1, ?2, ?3)
on conflict (reader) do update
set last_id = excluded.last_id, read_at = excluded.read_at
where excluded.last_id > last_id
