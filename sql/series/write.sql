-- Writes the registry's row of one partition: ?1 to ?9 are its columns, ?10 is the time of the change.
insert into partitions (
    family, name, startsAt, endsAt, grain, state, rowCount, checksum, copiedTo, createdAt, updatedAt
)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10)
on conflict (name) do update set
    startsAt = excluded.startsAt,
    endsAt = excluded.endsAt,
    state = excluded.state,
    rowCount = excluded.rowCount,
    checksum = excluded.checksum,
    copiedTo = excluded.copiedTo,
    updatedAt = excluded.updatedAt
