-- One row a table that holds rows of its own and that the login may read, in each schema but the server's own, by name:
-- schema, name, and owner (the column that says which application a row belongs to, null where there is none). What the
-- login may not read, it has not written. Parameters: none.
select
    spaces.nspname as schema,
    tables.relname as name,
    (
        select columns.attname
        from pg_attribute as columns
        where
            columns.attrelid = tables.oid
            and columns.attname in ('app', 'namespace')
            and not columns.attisdropped
        order by columns.attname
        limit 1
    ) as owner
from pg_class as tables
inner join pg_namespace as spaces on spaces.oid = tables.relnamespace
where
    tables.relkind in ('r', 'm')
    and spaces.nspname !~ '^pg_'
    and spaces.nspname <> 'information_schema'
    and has_schema_privilege(spaces.oid, 'usage')
    and has_table_privilege(tables.oid, 'select')
order by spaces.nspname, tables.relname
