-- One row a row that may have an address: its id, the value in clear if there is one, and its sealed value. A value in
-- clear with other letters than ASCII is given too, because SQL cannot say whether it is the same address.
-- Parameters: ?1 the indexes of the address (JSON), ?2 the address.
select $row as id, case when $in_clear then $column end as clear, $sealed as sealed
from $table
where $index in (select value from json_each(?1))
union
select $row as id, $column as clear, $sealed as sealed
from $table
where
    $in_clear
    and (
        lower(trim($column, ' ' || char(9, 10, 11, 12, 13))) = ?2
        or $column glob '*[^' || char(1) || '-~]*'
    )
