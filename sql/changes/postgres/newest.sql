-- One row a table that has rows in the log: id and time of the newest of them. Parameter: tables (names, an array).
select wanted.table_name, newest.id, newest.changed_at
from unnest(%(tables)s::text[]) as wanted (table_name)
cross join lateral (
    select log.id, log.changed_at
    from pipelines.change_log as log
    where log.table_name = wanted.table_name
    order by log.id desc
    limit 1
) as newest
