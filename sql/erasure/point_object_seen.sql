-- Gives an object of points that was written again (?1 key, ?2 checksum) the etag that it has now (?3). Of several with
-- one key and checksum, one gets it.
update point_objects
set etag = ?3
where
    objectKey = ?1
    and sha256 = ?2
    and etag = (select min(one.etag) from point_objects as one where one.objectKey = ?1 and one.sha256 = ?2)
    and not exists (select 1 from point_objects as other where other.objectKey = ?1 and other.etag = ?3)
