-- One row a foreign key whose columns lead no index, so that a delete of what it points to reads its whole table.
-- Parameters: none.
select
    namespace.nspname as schema,
    tab.relname as table_name,
    con.conname as constraint_name,
    (
        select array_agg(attribute.attname::text order by place.ordinality)
        from unnest(con.conkey) with ordinality as place (number, ordinality)
        inner join pg_attribute as attribute
            on attribute.attrelid = con.conrelid and attribute.attnum = place.number
    ) as columns,
    greatest(tab.reltuples, 0)::bigint as rows
from pg_constraint as con
inner join pg_class as tab on tab.oid = con.conrelid
inner join pg_namespace as namespace on namespace.oid = tab.relnamespace
where
    con.contype = 'f'
    and con.conparentid = 0
    and pg_has_role(tab.relowner, 'usage')
    and not exists (
        select 1
        from pg_index as index
        where
            index.indrelid = con.conrelid
            and index.indisvalid
            -- A partial index answers only where its own condition holds; that the column is not null is no loss.
            and (
                index.indpred is null
                or pg_get_expr(index.indpred, index.indrelid)
                ~ '^\(?[a-z0-9_"]+ IS NOT NULL\)?$'
            )
            and (
                select array_agg(key.number order by key.number)
                from unnest(index.indkey::smallint[]) with ordinality as key (number, place)
                where key.place <= cardinality(con.conkey)
            ) = (select array_agg(key.number order by key.number) from unnest(con.conkey) as key (number))
    )
order by schema, table_name, constraint_name
