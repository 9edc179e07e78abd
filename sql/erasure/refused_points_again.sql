-- Gives the refused lines of an object of points (?1 key, ?2 checksum) the key and checksum that it gets (?3, ?4).
update point_quarantine
set objectKey = ?3, sha256 = ?4
where objectKey = ?1 and sha256 = ?2
