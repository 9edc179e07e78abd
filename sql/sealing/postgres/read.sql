-- One row a row with one of some ids: its id, the value in clear if there is one, and its sealed value. Parameters: ids.
select
    $row::text as id,
    case when $column is distinct from $blank then $column end as clear,
    $sealed_text as sealed
from $table
where $row = any(%(ids)s::$type[])
