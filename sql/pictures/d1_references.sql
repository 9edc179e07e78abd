-- One row is a reference of a table to another one, with the columns that refer. No parameters.
select t.name as "table", f."table" as refers_to, group_concat(f."from", ', ') as columns
from pragma_table_list as t
join pragma_foreign_key_list(t.name) as f
where t.schema = 'main' and t.type = 'table'
group by t.name, f.id, f."table"
order by 1, 2, 3
