-- One row a constraint that was not checked for all rows, or an index that is not whole.
select 'constraint' as kind, format('%I on %s', conname, conrelid::regclass) as name
from pg_constraint
where not convalidated and connamespace in (select oid from pg_namespace where nspname !~ '^pg_')
union all
select 'index', indexrelid::regclass::text
from pg_index
where not indisvalid
order by 1, 2
