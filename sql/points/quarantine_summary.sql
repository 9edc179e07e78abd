-- One row per reason and field of refused lines that were not replayed, the most frequent first.
select
    reason,
    field,
    count(*) as lines,
    count(distinct sha256) as batches,
    min(objectKey) as example
from point_quarantine
where replayedAt is null
group by reason, field
order by lines desc, reason, field
