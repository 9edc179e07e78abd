-- One row per refused line in one state (?6: `open`, `landing`: its replay has begun, `closed`): of one reason (?1),
-- field (?2), value (?3), batch (?4: its key, its folder, or the start of its checksum) and replay (?5: the folder that
-- it landed in again); null for all. It is read page by page, by sha256 and line.
select
    sha256,
    line,
    objectKey as object_key,
    reason,
    field,
    value,
    kept,
    replayedAs as replayed_as,
    replayedAt as replayed_at
from point_quarantine
where
    ?6 = case
        when replayedAt is not null then 'closed'
        when replayedAs <> '' then 'landing'
        else 'open'
    end
    and (?1 is null or reason = ?1)
    and (?2 is null or field = ?2)
    and (?3 is null or value = ?3)
    and (
        ?4 is null
        or substr(sha256, 1, length(?4)) = ?4
        or objectKey = ?4
        or substr(objectKey, 1, length(?4) + 1) = ?4 || '/'
    )
    and (?5 is null or replayedAs = ?5)
