-- One row an index of some tables that no constraint needs, with the text that makes it again. Those of partitioned tables
-- are left out, and those by which rows are ordered or told apart elsewhere. Parameters: tables (their quoted names).
select
    format('%%I.%%I', namespace.nspname, class.relname) as name,
    pg_get_indexdef(class.oid) as definition
from pg_index
join pg_class class on class.oid = pg_index.indexrelid and class.relkind = 'i' and not class.relispartition
join pg_namespace namespace on namespace.oid = class.relnamespace
where pg_index.indrelid = any(%(tables)s::text[]::regclass[])
    and pg_index.indisvalid and not pg_index.indisclustered and not pg_index.indisreplident
    and not exists (select from pg_constraint where pg_constraint.conindid = class.oid)
    and not exists (
        select from pg_depend
        where pg_depend.refclassid = 'pg_class'::regclass and pg_depend.refobjid = class.oid and pg_depend.deptype = 'n'
    )
order by 1
