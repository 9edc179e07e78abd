select
    wanted.value as table_name,
    (select max(change_log.id) from change_log where change_log.table_name = wanted.value) as id
from json_each(?1) as wanted
