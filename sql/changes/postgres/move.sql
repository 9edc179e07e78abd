-- Moves a reader to a transaction and id; changes one row. A reader never goes back: then no row changes.
-- Parameters: reader, transaction, id, at.
insert into pipelines.change_log_readers as readers (reader, last_transaction, last_id, read_at)
values (%(reader)s, %(transaction)s::text::xid8, %(id)s, %(at)s)
on conflict (reader) do update
set last_transaction = excluded.last_transaction, last_id = excluded.last_id, read_at = excluded.read_at
where (excluded.last_transaction, excluded.last_id) > (readers.last_transaction, readers.last_id)
