-- One row a table that has rows in the log: the id of the newest of them. Parameter: tables (names, an array).
select wanted.table_name, newest.id
from unnest(%(tables)s::text[]) as wanted (table_name)
cross join lateral (
    select max(log.id) as id from pipelines.change_log as log where log.table_name = wanted.table_name
) as newest
where newest.id is not null
