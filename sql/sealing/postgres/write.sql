-- Writes where the sealed value is still as it was read, and all else that must be: sealed values and their indexes, or
-- sealed values and blanks. Parameters: ids, clear, before (25 characters, which hold the nonce), after, lookup: arrays of
-- the same length.
update $table
set $sets
from unnest(
    %(ids)s::$type[], %(clear)s::text[], %(before)s::text[], %(after)s::text[], %(lookup)s::text[]
) as incoming (id, clear, before, after, lookup)
where
    $table.$row = incoming.id
    and left($sealed_text, 25) is not distinct from incoming.before
    and $stays
