-- Deletes at most ?1 of the oldest rows that every reader has read. Without a reader it deletes nothing.
delete from change_log
where id in (
    select id from change_log
    where id <= (select min(last_id) from change_log_readers)
    order by id
    limit ?1
)
