-- Marks lines (?2, JSON: pairs of checksum and line number) as replayed at ?1.
update point_quarantine
set replayedAt = ?1
where
    replayedAt is null
    and (sha256, line) in (
        select json_extract(value, '$[0]'), json_extract(value, '$[1]') from json_each(?2)
    )
