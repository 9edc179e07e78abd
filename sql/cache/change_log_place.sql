-- Where a reader stands, and where the log ends now.
select
    coalesce((select last_id from change_log_readers where reader = ?1), 0) as last_id,
    coalesce((select max(id) from change_log), 0) as end_id
