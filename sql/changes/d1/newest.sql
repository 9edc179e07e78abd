-- One row a table of ?1 (a JSON array): the id of its newest row of the log, or null.
select
    wanted.value as table_name,
    (select max(change_log.id) from change_log where change_log.table_name = wanted.value) as id
from json_each(?1) as wanted
