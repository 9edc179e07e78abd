select
    reason,
    field,
    count(*) as lines,
    min(objectKey) as example
from point_quarantine
where replayedAt is null
group by reason, field
order by lines desc, reason, field
