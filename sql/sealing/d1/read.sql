-- One row a row whose id is in ?1 (JSON): its id, the value in clear if there is one, and its sealed value.
select $row as id, case when $in_clear then $column end as clear, $sealed as sealed
from $table
where $row in (select value from json_each(?1))
