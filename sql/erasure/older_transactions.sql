-- One row: how many transactions of this database may still see rows that were deleted before the transaction %(mark)s.
select count(*) as n
from pg_stat_activity
where
    datname = current_database()
    and pid <> pg_backend_pid()
    and (
        age(backend_xmin) > age(%(mark)s::text::xid)
        or age(backend_xid) > age(%(mark)s::text::xid)
    )
