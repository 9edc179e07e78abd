-- One row is a column of a table or view that clearlift_reader reads, in the order of its relation, with the comments on
-- the schema, the relation and the column. No parameters.
select
    n.nspname as schema,
    obj_description(n.oid, 'pg_namespace') as of_schema,
    c.relname as relation,
    obj_description(c.oid, 'pg_class') as of_relation,
    a.attname as column,
    col_description(c.oid, a.attnum) as of_column,
    format_type(a.atttypid, a.atttypmod) as type
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relkind in ('r', 'v')
    and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'public', 'analysts')
    and has_schema_privilege('clearlift_reader', n.oid, 'usage')
    and has_table_privilege('clearlift_reader', c.oid, 'select')
order by n.nspname, c.relname, a.attnum
