-- One row a table that has another file now than in this transaction's snapshot: it was truncated, rewritten or dropped.
select format('%I.%I', namespace.nspname, class.relname) as name
from pg_class class
join pg_namespace namespace on namespace.oid = class.relnamespace
where class.relkind = 'r' and class.relpersistence <> 't'
    and namespace.nspname !~ '^pg_' and namespace.nspname <> 'information_schema'
    and class.relfilenode is distinct from pg_relation_filenode(class.oid)
