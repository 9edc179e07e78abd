-- One row an index of the database's own schemas, by schema and name: its size, how often it was used since when, and a
-- signature that two indexes share which answer the same questions. Parameters: none.
select
    namespace.nspname as schema,
    tab.relname as table_name,
    index_class.relname as index_name,
    pg_relation_size(index.indexrelid) as bytes,
    coalesce(stats.idx_scan, 0) as scans,
    -- A column of PostgreSQL 16.
    (to_jsonb(stats) ->> 'last_idx_scan')::timestamptz as last_scan,
    index.indisunique or index.indisexclusion as is_unique,
    exists (select 1 from pg_constraint where pg_constraint.conindid = index.indexrelid) as is_constraint,
    index.indisvalid as is_valid,
    pg_get_indexdef(index.indexrelid) as definition,
    concat_ws(
        '|',
        index.indrelid,
        index_class.relam,
        index.indkey,
        index.indclass,
        index.indcollation,
        index.indoption,
        index.indnkeyatts,
        coalesce(pg_get_expr(index.indexprs, index.indrelid), '-'),
        coalesce(pg_get_expr(index.indpred, index.indrelid), '-'),
        coalesce(array_to_string(index_class.reloptions, ','), '-')
    ) as signature,
    coalesce(
        (select stats_reset from pg_stat_database where datname = current_database()), pg_postmaster_start_time()
    ) as counted_since
from pg_index as index
inner join pg_class as index_class on index_class.oid = index.indexrelid
inner join pg_class as tab on tab.oid = index.indrelid
inner join pg_namespace as namespace on namespace.oid = tab.relnamespace
left join pg_stat_all_indexes as stats on stats.indexrelid = index.indexrelid
where
    namespace.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
    and tab.relkind = 'r'
    and not tab.relispartition
    and pg_has_role(tab.relowner, 'usage')
order by schema, index_name
