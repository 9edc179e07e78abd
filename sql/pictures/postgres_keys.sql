-- One row is a column of a primary key or of a reference, in the order of its table: its type, and whether it is in the
-- primary key. No parameters.
select
    n.nspname || '.' || c.relname as "table",
    a.attname as "column",
    format_type(a.atttypid, null) as type,
    bool_or(k.contype = 'p') as in_key,
    bool_or(k.contype = 'f') as refers
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_constraint k on k.conrelid = c.oid and k.contype in ('p', 'f')
join pg_attribute a on a.attrelid = c.oid and a.attnum = any(k.conkey)
where c.relkind = 'r' and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'lake')
group by n.nspname, c.relname, a.attname, a.atttypid, a.attnum
order by n.nspname, c.relname, a.attnum
