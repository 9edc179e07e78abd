-- One row a table of these names (names, with their schemas) that has at least so many rows (rows) by its statistics.
select tab.name, class.reltuples::bigint as rows
from unnest(%(names)s::text[]) as tab (name)
inner join pg_class as class on class.oid = to_regclass(tab.name)
where class.reltuples >= %(rows)s
order by tab.name
