-- One row: the entry ?1 of the log as digits, by which a log that was set back and went on differently is recognised.
-- Where ?1 is null, the newest entry. No row where the log does not have it.
select hex(cast(id || char(9) || changed_at || char(9) || table_name || char(9) || key as blob)) as entry
from backup_log
where id = coalesce(?1, (select max(id) from backup_log))
