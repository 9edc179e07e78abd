-- Makes the trigger of one table; one that differs goes. Takes a lock on the table that stops writers for a moment.
drop trigger if exists pipelines_change_log on $table;
create trigger pipelines_change_log after insert or update or delete on $table
for each row execute function pipelines.log_change($arguments);
