-- One row a key of indexes: its id, and how many indexes are made with it. Parameters: none.
select split_part($index, '.', 1)::bigint as key_id, count(*) as n
from $table
where $index like '%%.%%'
group by 1
