-- One row a reference by one column from one table to another, those to parents first: child and parent (with their
-- schemas), column, parent_column. Parameters: none.
select
    child_spaces.nspname || '.' || children.relname as child,
    parent_spaces.nspname || '.' || parents.relname as parent,
    child_columns.attname as column,
    parent_columns.attname as parent_column
from pg_constraint as keys
inner join pg_class as children on children.oid = keys.conrelid
inner join pg_namespace as child_spaces on child_spaces.oid = children.relnamespace
inner join pg_class as parents on parents.oid = keys.confrelid
inner join pg_namespace as parent_spaces on parent_spaces.oid = parents.relnamespace
inner join pg_attribute as child_columns
    on child_columns.attrelid = keys.conrelid and child_columns.attnum = keys.conkey[1]
inner join pg_attribute as parent_columns
    on parent_columns.attrelid = keys.confrelid and parent_columns.attnum = keys.confkey[1]
where keys.contype = 'f' and array_length(keys.conkey, 1) = 1
order by child, parent, child_columns.attname
