-- One line an entry of the log with an id above ?1, up to ?2: id, time, table, key and image with tabs between them. The
-- image is empty where the row was gone.
select
    backup_log.id || char(9) || backup_log.changed_at || char(9) || backup_log.table_name || char(9)
    || backup_log.key || char(9) || coalesce(backup_log.image, '') as line
from backup_log
where backup_log.id > ?1 and backup_log.id <= ?2
order by backup_log.id
