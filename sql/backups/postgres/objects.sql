-- One row an object of the schema, by its kind and its name: what migrations make, and what somebody made beside them.
-- Definitions are not compared, because servers of different versions write them differently.
with spaces as (
    select oid, nspname from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'
),

-- What an extension made comes back with the extension.
of_extensions as (
    select classid, objid from pg_depend where deptype = 'e'
),

relations as (
    select
        class.oid, class.relkind, class.relispartition,
        format('%I.%I', spaces.nspname, class.relname) as name
    from pg_class class
    join spaces on spaces.oid = class.relnamespace
    where class.relpersistence <> 't'
        and not exists (
            select from of_extensions member where member.classid = 'pg_class'::regclass and member.objid = class.oid
        )
)

select 'schema' as kind, format('%I', nspname) as name from spaces
union all
select 'extension', format('%I', extname) from pg_extension where extname <> 'plpgsql'
union all
select
    case relkind
        when 'r' then 'table' when 'p' then 'table' when 'f' then 'foreign table' when 'v' then 'view'
        when 'm' then 'materialized view' when 'S' then 'sequence' else 'index'
    end,
    name
from relations
where relkind in ('r', 'p', 'f', 'v', 'm', 'S', 'i', 'I') and not relispartition
union all
select
    'column',
    format(
        '%s.%I %s%s', relations.name, attribute.attname, format_type(attribute.atttypid, attribute.atttypmod),
        case when attribute.attgenerated <> '' then ' generated' end
    )
from pg_attribute attribute
join relations on relations.oid = attribute.attrelid
where relations.relkind in ('r', 'p') and not relations.relispartition
    and attribute.attnum > 0 and not attribute.attisdropped
union all
-- Since version 18 a NOT NULL is a constraint too.
select 'constraint', format('%I on %s', pg_constraint.conname, relations.name)
from pg_constraint
join relations on relations.oid = pg_constraint.conrelid
where pg_constraint.contype <> 'n' and not relations.relispartition
union all
select 'trigger', format('%I on %s', pg_trigger.tgname, relations.name)
from pg_trigger
join relations on relations.oid = pg_trigger.tgrelid
where not pg_trigger.tgisinternal and not relations.relispartition
union all
select 'policy', format('%I on %s', pg_policy.polname, relations.name)
from pg_policy
join relations on relations.oid = pg_policy.polrelid
union all
select
    'function', format('%I.%I(%s)', spaces.nspname, pg_proc.proname, pg_get_function_identity_arguments(pg_proc.oid))
from pg_proc
join spaces on spaces.oid = pg_proc.pronamespace
where not exists (
    select from of_extensions member where member.classid = 'pg_proc'::regclass and member.objid = pg_proc.oid
)
union all
select 'type', format('%I.%I', spaces.nspname, pg_type.typname)
from pg_type
join spaces on spaces.oid = pg_type.typnamespace
where pg_type.typtype in ('e', 'd', 'r')
    and not exists (
        select from of_extensions member where member.classid = 'pg_type'::regclass and member.objid = pg_type.oid
    )
union all
select 'large object', oid::text from pg_largeobject_metadata
order by 1, 2
