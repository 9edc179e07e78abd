-- Writes where the sealed value is still as it was read, and all else that must be: sealed values and their indexes, or
-- sealed values and blanks. One row a row that was written: its id. Parameters: ?1 JSON, an array of [id, value in clear
-- in hex, sealed value before (25 characters, which hold its nonce), sealed value after, index].
update $table
set $sets
from (
    select
        json_extract(value, '$$[0]') as id,
        json_extract(value, '$$[1]') as clear,
        json_extract(value, '$$[2]') as before,
        json_extract(value, '$$[3]') as after,
        json_extract(value, '$$[4]') as lookup
    from json_each(?1)
) as incoming
where
    $table.$row = incoming.id
    and substr($table.$sealed, 1, 25) is incoming.before
    and $stays
returning $row as id
