-- One row a table of some that has a primary key: its columns, in their order. Parameters: tables (their quoted names).
select
    format('%%I.%%I', namespace.nspname, class.relname) as name,
    (
        select array_agg(attribute.attname::text order by place.number)
        from unnest(pg_constraint.conkey) with ordinality as place (attnum, number)
        join pg_attribute attribute on attribute.attrelid = class.oid and attribute.attnum = place.attnum
    ) as columns
from pg_constraint
join pg_class class on class.oid = pg_constraint.conrelid
join pg_namespace namespace on namespace.oid = class.relnamespace
where pg_constraint.contype = 'p' and pg_constraint.conrelid = any(%(tables)s::text[]::regclass[])
