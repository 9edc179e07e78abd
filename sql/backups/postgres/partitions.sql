-- One row a partition, those above it first: its table, the whole one, the one above it, its bounds, and how it is itself
-- divided (null where it is not).
select
    format('%I.%I', namespace.nspname, class.relname) as name,
    (
        select format('%I.%I', root_namespace.nspname, root.relname)
        from pg_class root
        join pg_namespace root_namespace on root_namespace.oid = root.relnamespace
        where root.oid = pg_partition_root(class.oid)
    ) as root,
    format('%I.%I', above_namespace.nspname, above.relname) as parent,
    pg_get_expr(class.relpartbound, class.oid) as bounds,
    case when class.relkind = 'p' then pg_get_partkeydef(class.oid) end as divided_by
from pg_inherits inherits
join pg_class class on class.oid = inherits.inhrelid
join pg_namespace namespace on namespace.oid = class.relnamespace
join pg_class above on above.oid = inherits.inhparent
join pg_namespace above_namespace on above_namespace.oid = above.relnamespace
where class.relispartition and class.relkind in ('r', 'p') and class.relpersistence <> 't'
    and namespace.nspname !~ '^pg_'
order by (select count(*) from pg_partition_ancestors(class.oid)), 1
