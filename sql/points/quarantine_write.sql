-- Writes down what becomes of refused lines (?3, JSON: pairs of checksum and line number): the folder that they land in
-- again (?1), and when they are closed (?2; null for lines that are not).
update point_quarantine
set replayedAs = ?1, replayedAt = ?2
where
    (sha256, line) in (
        select json_extract(value, '$[0]'), json_extract(value, '$[1]') from json_each(?3)
    )
