-- One row per refused line that was not replayed: of one reason (?1), of one object (?2: its key, or the start of its
-- checksum), or all. It is read page by page, by sha256 and line.
select
    sha256,
    line,
    objectKey as object_key,
    reason,
    field
from point_quarantine
where
    replayedAt is null
    and (?1 is null or reason = ?1)
    and (?2 is null or substr(sha256, 1, length(?2)) = ?2 or objectKey = ?2)
