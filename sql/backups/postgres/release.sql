-- One row where the slot moved: up to which position of the log the server need not keep it. Parameters: slot, position
-- (a byte of the log, one that it keeps and has written).
select (pg_replication_slot_advance(slot_name, wanted.lsn)).end_lsn
from pg_replication_slots, (select '0/0'::pg_lsn + %(position)s::numeric as lsn) as wanted
where slot_name = %(slot)s and restart_lsn < wanted.lsn and wanted.lsn <= pg_current_wal_flush_lsn()
