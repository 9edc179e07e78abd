-- One row an index of these names (names) that is there and valid.
select index_class.relname as name
from pg_index as index
inner join pg_class as index_class on index_class.oid = index.indexrelid
where index.indisvalid and index_class.relname = any(%(names)s::text[])
