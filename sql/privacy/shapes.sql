-- One row a column of an ordinary table: table, column, type, whether it must not be null, whether it is made of others.
select
    n.nspname || '.' || c.relname as "table",
    a.attname as "column",
    format_type(a.atttypid, null) as type,
    a.attnotnull as required,
    a.attgenerated <> '' as generated
from pg_class as c
inner join pg_namespace as n on c.relnamespace = n.oid
inner join pg_attribute as a on c.oid = a.attrelid and a.attnum > 0 and not a.attisdropped
where c.relkind = 'r' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
order by 1, a.attnum
