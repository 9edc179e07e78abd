-- One row a table of ?1 (a JSON array) that has rows in the log: id and time of the newest of them.
select wanted.value as table_name, change_log.id, change_log.changed_at
from json_each(?1) as wanted
join change_log
    on change_log.id = (select max(newest.id) from change_log as newest where newest.table_name = wanted.value)
