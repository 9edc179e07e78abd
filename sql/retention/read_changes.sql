-- One row: the id of the last change that every reader of the change log has read, null where nobody reads it.
select min(last_id) as last_id from change_log_readers
