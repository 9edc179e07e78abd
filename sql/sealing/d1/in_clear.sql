-- One row a row with a value in clear of at most ?1 bytes: its id, the value, and its sealed value if there is one.
select $row as id, $column as clear, $sealed as sealed
from $table
where $in_clear and length(cast($column as blob)) <= ?1
