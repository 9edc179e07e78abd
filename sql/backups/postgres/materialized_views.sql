-- One row a materialized view that has been filled, in the order in which they were made: a later one may read an earlier.
select format('%I.%I', namespace.nspname, class.relname) as name
from pg_class class
join pg_namespace namespace on namespace.oid = class.relnamespace
where class.relkind = 'm' and class.relispopulated and namespace.nspname !~ '^pg_'
order by class.oid
