-- Deletes at most ?2 of the oldest entries with an id below ?1.
delete from backup_log where id in (select id from backup_log where id < ?1 order by id limit ?2)
