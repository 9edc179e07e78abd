-- Deletes a number of the oldest rows that every reader has read. Without a reader it deletes nothing.
delete from pipelines.change_log
where id in (
    select log.id
    from pipelines.change_log as log
    inner join (
        select last_transaction, last_id from pipelines.change_log_readers order by last_transaction, last_id limit 1
    ) as last on (log.transaction, log.id) <= (last.last_transaction, last.last_id)
    order by log.transaction, log.id
    limit %(rows)s
)
