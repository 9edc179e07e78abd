-- Gives the refused lines of an object of points (?1 key, ?2 checksum) the key and checksum that it gets (?3, ?4), except
-- those that have them already.
update point_quarantine
set objectKey = ?3, sha256 = ?4
where
    objectKey = ?1
    and sha256 = ?2
    and not exists (
        select 1 from point_quarantine as other
        where other.sha256 = ?4 and other.line = point_quarantine.line and ?2 <> ?4
    )
