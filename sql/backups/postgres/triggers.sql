-- One row a trigger of some tables, or of their partitions, that fires at present, with what brings it back to that.
-- Parameters: tables (their quoted names).
select
    format('%%I.%%I', namespace.nspname, class.relname) as table_name,
    format('%%I', pg_trigger.tgname) as name,
    case pg_trigger.tgenabled when 'A' then 'enable always' when 'R' then 'enable replica' else 'enable' end as enabling
from pg_trigger
join pg_class class on class.oid = pg_trigger.tgrelid
join pg_namespace namespace on namespace.oid = class.relnamespace
where not pg_trigger.tgisinternal and pg_trigger.tgparentid = 0 and pg_trigger.tgenabled <> 'D'
    and (
        pg_trigger.tgrelid = any(%(tables)s::text[]::regclass[])
        or exists (
            select from pg_partition_ancestors(pg_trigger.tgrelid) above
            where above.relid = any(%(tables)s::text[]::regclass[])
        )
    )
order by 1, 2
