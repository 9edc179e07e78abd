-- One row a key of indexes: its id, and how many indexes are made with it.
select cast(substr($index, 1, instr($index, '.') - 1) as integer) as key_id, count(*) as n
from $table
where instr($index, '.') > 0
group by substr($index, 1, instr($index, '.') - 1)
