-- One row is a column of a primary key or of a reference, in the order of its table: its type, and whether it is in the
-- primary key. No parameters.
select t.name as "table", c.name as "column", lower(c.type) as type, c.pk > 0 as in_key,
    c.name in (select f."from" from pragma_foreign_key_list(t.name) as f) as refers
from pragma_table_list as t
join pragma_table_info(t.name) as c
where t.schema = 'main' and t.type = 'table' and t.name not like 'sqlite~_%' escape '~'
    and (c.pk > 0 or c.name in (select f."from" from pragma_foreign_key_list(t.name) as f))
order by t.name, c.cid
