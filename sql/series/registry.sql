-- One row a partition of the series ?, by time.
select
    family,
    name,
    startsAt,
    endsAt,
    grain,
    state,
    rowCount,
    checksum,
    copiedTo
from partitions
where family = ?
order by startsAt, endsAt, name
