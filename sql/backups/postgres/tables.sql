-- One row a table that holds rows of its own; a partitioned one stands for all its partitions. `name` is quoted as SQL
-- needs it; `of_others` says whether its schema is somebody else's, such as the platform's; `columns` are those that are
-- stored, so that generated ones are not among them; `missing` says why a backup cannot have its rows, null where it can.
select
    namespace.nspname as schema,
    class.relname as table_name,
    format('%I.%I', namespace.nspname, class.relname) as name,
    class.relkind = 'p' as partitioned,
    not pg_has_role(namespace.nspowner, 'usage') as of_others,
    coalesce(stored.columns, '{}') as columns,
    case
        when class.relkind = 'f' then 'its rows are in another database'
        when extension.extname is not null then format('it belongs to the extension %s', extension.extname)
        when stored.columns is null then 'it has no column that is stored'
        when not has_schema_privilege(namespace.oid, 'usage') then 'the login has no right to use its schema'
        when not has_table_privilege(class.oid, 'select') then 'the login has no right to read it'
        when row_security_active(class.oid) then 'row-level security hides rows of it from the login'
    end as missing
from pg_class class
join pg_namespace namespace on namespace.oid = class.relnamespace
left join pg_depend membership
    on membership.classid = 'pg_class'::regclass and membership.objid = class.oid and membership.deptype = 'e'
left join pg_extension extension on extension.oid = membership.refobjid
left join lateral (
    select array_agg(attribute.attname::text order by attribute.attnum) as columns
    from pg_attribute attribute
    where attribute.attrelid = class.oid and attribute.attnum > 0 and not attribute.attisdropped
        and attribute.attgenerated = ''
) stored on true
where class.relkind in ('r', 'p', 'f') and not class.relispartition and class.relpersistence <> 't'
    and namespace.nspname !~ '^pg_' and namespace.nspname <> 'information_schema'
order by namespace.nspname, class.relname
