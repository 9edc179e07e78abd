-- One row a row with a value in clear of at most %(longest)s bytes: its id, the value, its sealed value if there is
-- one. Parameters: after (an id; null to begin), rows (how many at most).
select $row::text as id, $column as clear, $sealed_text as sealed
from $table
where
    $column is distinct from $blank
    and octet_length($column) <= %(longest)s
    and (%(after)s::$type is null or $row > %(after)s::$type)
order by $row
limit %(rows)s
