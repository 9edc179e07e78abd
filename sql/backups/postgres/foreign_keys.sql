-- One row a foreign key that leads from one of some tables or to one of them, with the text that makes it again: `child`
-- refers by its `columns` to `parent` and its `parent_columns`; `on_delete` is Postgres' letter; `validated` says whether
-- all rows were checked. Parameters: tables (their quoted names).
select
    child_name.name as child,
    format('%%I', pg_constraint.conname) as name,
    pg_get_constraintdef(pg_constraint.oid) as definition,
    parent_name.name as parent,
    (
        select array_agg(attribute.attname::text order by place.number)
        from unnest(pg_constraint.conkey) with ordinality as place (attnum, number)
        join pg_attribute attribute
            on attribute.attrelid = pg_constraint.conrelid and attribute.attnum = place.attnum
    ) as columns,
    (
        select array_agg(attribute.attname::text order by place.number)
        from unnest(pg_constraint.confkey) with ordinality as place (attnum, number)
        join pg_attribute attribute
            on attribute.attrelid = pg_constraint.confrelid and attribute.attnum = place.attnum
    ) as parent_columns,
    pg_constraint.confdeltype::text as on_delete,
    pg_constraint.convalidated as validated
from pg_constraint
cross join lateral (
    select format('%%I.%%I', namespace.nspname, class.relname) as name
    from pg_class class
    join pg_namespace namespace on namespace.oid = class.relnamespace
    where class.oid = pg_constraint.conrelid
) child_name
cross join lateral (
    select format('%%I.%%I', namespace.nspname, class.relname) as name
    from pg_class class
    join pg_namespace namespace on namespace.oid = class.relnamespace
    where class.oid = pg_constraint.confrelid
) parent_name
where pg_constraint.contype = 'f' and pg_constraint.conparentid = 0
    and (
        pg_constraint.conrelid = any(%(tables)s::text[]::regclass[])
        or pg_constraint.confrelid = any(%(tables)s::text[]::regclass[])
    )
order by 1, 2
