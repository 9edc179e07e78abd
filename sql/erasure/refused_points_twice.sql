-- Deletes the refused lines that are left under the key and checksum that an object of points had (?1, ?2): it was taken
-- twice, because its erasure was killed.
delete from point_quarantine
where objectKey = ?1 and sha256 = ?2
