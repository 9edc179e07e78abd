-- One row a replication slot of this name: from which byte of the log on the server keeps it (null: it gave up), how much
-- that is, and how much may come until it gives up (null: no limit). Parameters: slot.
select
    case when wal_status <> 'lost' then (restart_lsn - '0/0'::pg_lsn)::bigint end as start,
    greatest(coalesce(pg_current_wal_lsn() - restart_lsn, 0), 0)::bigint as size,
    safe_wal_size as "left"
from pg_replication_slots
where slot_name = %(slot)s
