-- One row, if refused lines of points are known that came with an object (?1, its checksum), under one key or any (?2,
-- empty).
select 1 as one
from point_quarantine
where sha256 = ?1 and (?2 = '' or objectKey = ?2)
limit 1
