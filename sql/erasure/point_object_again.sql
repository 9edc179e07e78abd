-- Gives an object of points (?1 key, ?2 checksum) the key and checksum that it gets (?3, ?4), unless it has them already.
update point_objects
set objectKey = ?3, sha256 = ?4
where
    objectKey = ?1
    and sha256 = ?2
    and not exists (
        select 1 from point_objects as other
        where other.objectKey = ?3 and other.etag = point_objects.etag and ?1 <> ?3
    )
