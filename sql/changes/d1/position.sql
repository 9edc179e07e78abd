-- One row: the id up to which the reader ?1 has read, and the id at which the log ends now.
select
    coalesce((select last_id from change_log_readers where reader = ?1), 0) as last_id,
    coalesce((select max(id) from change_log), 0) as end_id
