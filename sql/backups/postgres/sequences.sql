-- One row a sequence: the last value that it gave, null where it gave none; the table of its column, if it has one;
-- `missing` says why a backup cannot have it.
select
    format('%I.%I', namespace.nspname, class.relname) as name,
    case
        when has_schema_privilege(namespace.oid, 'usage') and has_sequence_privilege(class.oid, 'select, usage')
        then pg_sequence_last_value(class.oid)
    end as last_value,
    sequence.seqstart as start_value,
    (
        select format('%I.%I', owner_namespace.nspname, owner.relname)
        from pg_depend
        join pg_class owner on owner.oid = pg_depend.refobjid
        join pg_namespace owner_namespace on owner_namespace.oid = owner.relnamespace
        where pg_depend.classid = 'pg_class'::regclass and pg_depend.objid = class.oid
            and pg_depend.refclassid = 'pg_class'::regclass and pg_depend.deptype in ('a', 'i')
    ) as table_name,
    case
        when not has_schema_privilege(namespace.oid, 'usage') then 'the login has no right to use its schema'
        when not has_sequence_privilege(class.oid, 'select, usage') then 'the login has no right to read it'
    end as missing
from pg_sequence sequence
join pg_class class on class.oid = sequence.seqrelid
join pg_namespace namespace on namespace.oid = class.relnamespace
where class.relpersistence <> 't' and namespace.nspname !~ '^pg_'
order by 1
