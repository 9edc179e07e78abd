-- One row: of the lines of objects that were taken since a moment (?1), how many were received; how many of them are refused
-- and not replayed (refused), since when, and the reason of most of these (reason). since and reason are null where none is.
with refused as (
    select reason, count(*) as lines, min(quarantinedAt) as firstAt
    from point_quarantine
    where quarantinedAt >= ?1 and replayedAt is null and replayedAs = ''
    group by reason
)
select
    (select ifnull(sum(received), 0) from point_objects where ingestedAt >= ?1) as received,
    ifnull(sum(lines), 0) as refused,
    min(firstAt) as since,
    (select reason from refused order by lines desc, reason limit 1) as reason
from refused
