-- Writes values that were sealed again, and their indexes, where the sealed value is still as it was read.
-- Parameters: ids, clear, before (25 characters, which hold the nonce), after, lookup: arrays of the same length.
update $table
set $sealed = $after$index_set
from unnest(
    %(ids)s::$type[], %(clear)s::text[], %(before)s::text[], %(after)s::text[], %(lookup)s::text[]
) as incoming (id, clear, before, after, lookup)
where
    $table.$row = incoming.id
    and left($sealed_text, 25) is not distinct from incoming.before
