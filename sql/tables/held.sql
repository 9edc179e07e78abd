-- One row: what a table of D1 holds now: its rows (held), the bytes of its values, and the oldest and the newest time of
-- its rows, null where they have none. Variables: $table, $bytes and $time (SQL of a row).
select
    count(*) as held,
    coalesce(sum($bytes), 0) as bytes,
    min($time) as oldest,
    max($time) as newest
from "$table"
