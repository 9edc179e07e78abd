-- One row a row of a sample of at most ?1 with a sealed value: its id and the value. What is only noted, as the value is
-- still in clear, begins with a point and is without it here.
select $row as id, ltrim($sealed, '.') as sealed
from $table
where $sealed is not null
order by $row
limit ?1
