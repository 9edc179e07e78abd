-- One row is a reference of a table to another one, with the columns that refer. No parameters.
select
    n.nspname || '.' || c.relname as "table",
    fn.nspname || '.' || f.relname as refers_to,
    string_agg(a.attname, ', ' order by array_position(k.conkey, a.attnum)) as columns
from pg_constraint k
join pg_class c on c.oid = k.conrelid
join pg_namespace n on n.oid = c.relnamespace
join pg_class f on f.oid = k.confrelid
join pg_namespace fn on fn.oid = f.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum = any(k.conkey)
where k.contype = 'f' and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'lake')
group by n.nspname, c.relname, fn.nspname, f.relname, k.oid
order by 1, 2, 3
