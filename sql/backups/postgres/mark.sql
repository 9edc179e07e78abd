-- One row: the present moment, and a message in the log that is a commit of its own.
select clock_timestamp() as moment, pg_logical_emit_message(true, 'clearlift_backups', '') as lsn
