-- One row a row that may have an address: its id, the value in clear if there is one, and its sealed value. A value in
-- clear with other letters than ASCII is given too, because SQL cannot say whether it is the same address.
-- Parameters: indexes (those of the address), address.
select
    $row::text as id,
    case when $column is distinct from $blank then $column end as clear,
    $sealed_text as sealed
from $table
where
    $index = any(%(indexes)s)
    or (
        $column is distinct from $blank
        and (lower(btrim($column, E' \t\n\x0b\f\r')) = %(address)s or $column ~ '[^\x01-\x7e]')
    )
