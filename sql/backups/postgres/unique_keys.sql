-- One row a unique index of some tables besides their primary keys: the name of the table and of the index (which is that
-- of its constraint), the expressions that it compares, the condition of the rows for which it holds (null for all), and
-- whether it takes NULL for a value. `computed` are the generated columns of the table, as `expression as name`.
-- Parameters: tables (their quoted names).
select
    format('%%I.%%I', namespace.nspname, class.relname) as name,
    index_class.relname as key,
    (
        select array_agg(pg_get_indexdef(pg_index.indexrelid, place, true) order by place)
        from generate_series(1, pg_index.indnkeyatts) as place
    ) as expressions,
    pg_get_expr(pg_index.indpred, pg_index.indrelid, true) as condition,
    coalesce((to_jsonb(pg_index) ->> 'indnullsnotdistinct')::boolean, false) as takes_null,
    (
        select coalesce(
            array_agg(
                format('(%%s) as %%I', pg_get_expr(pg_attrdef.adbin, pg_attrdef.adrelid, true), attribute.attname)
                order by attribute.attnum
            ),
            '{}'
        )
        from pg_attribute attribute
        join pg_attrdef on pg_attrdef.adrelid = attribute.attrelid and pg_attrdef.adnum = attribute.attnum
        where attribute.attrelid = class.oid and attribute.attgenerated <> ''
    ) as computed
from pg_index
join pg_class class on class.oid = pg_index.indrelid
join pg_namespace namespace on namespace.oid = class.relnamespace
join pg_class index_class on index_class.oid = pg_index.indexrelid
where pg_index.indisunique and not pg_index.indisprimary and pg_index.indrelid = any(%(tables)s::text[]::regclass[])
order by 1, 2
