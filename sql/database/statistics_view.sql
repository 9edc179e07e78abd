-- One row where the view of statement statistics exists and may be read: the schema that it is in. Parameters: none.
select namespace.nspname as schema
from pg_class as view
inner join pg_namespace as namespace on namespace.oid = view.relnamespace
where
    view.relname = 'pg_stat_statements'
    and view.relkind = 'v'
    and has_schema_privilege(namespace.oid, 'usage')
    and has_table_privilege(view.oid, 'select')
order by schema
limit 1
