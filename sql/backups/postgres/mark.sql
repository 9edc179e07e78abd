-- One row: the present moment, the number of this transaction, and a message in the log that is a commit of its own.
select
    clock_timestamp() as moment,
    pg_current_xact_id()::text as transaction,
    pg_logical_emit_message(true, 'clearlift_backups', '') as message
