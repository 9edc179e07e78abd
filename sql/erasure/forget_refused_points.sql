-- Deletes refused lines (?2, JSON: their numbers) of points that came with an object (?1, its checksum): people who were
-- erased sent them.
delete from point_quarantine
where sha256 = ?1 and line in (select value from json_each(?2))
