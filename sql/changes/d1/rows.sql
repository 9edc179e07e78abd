-- One row a row of the log up to the id ?1.
select id, table_name, old_keys, new_keys, changed_at from change_log where id <= ?1
