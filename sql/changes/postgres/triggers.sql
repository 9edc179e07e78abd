-- One row a table that has the trigger: its name with the schema, and the trigger's arguments, null if it is disabled.
-- Triggers of partitions are left out, because they follow their parent's.
select
    namespace.nspname || '.' || class.relname as table_name,
    case
        when trigger.tgenabled in ('O', 'A')
            then (string_to_array(encode(trigger.tgargs, 'escape'), '\000'))[:trigger.tgnargs]
    end as arguments
from pg_trigger as trigger
inner join pg_class as class on class.oid = trigger.tgrelid
inner join pg_namespace as namespace on namespace.oid = class.relnamespace
where trigger.tgname = 'pipelines_change_log' and trigger.tgparentid = 0
order by 1
