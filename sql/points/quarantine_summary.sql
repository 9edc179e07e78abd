-- One row per reason, field and value of refused lines that are not closed, the most frequent first. Of many values of
-- a field, all but the ten most frequent are one row, whose value is `…`.
with placed as (
    select
        reason,
        field,
        value,
        row_number() over (partition by reason, field order by count(*) desc, value) as place
    from point_quarantine
    where replayedAt is null
    group by reason, field, value
)

select
    reason,
    field,
    case when place <= 10 then value else '…' end as value,
    count(*) as lines,
    count(distinct sha256) as batches,
    min(objectKey) as example
from point_quarantine
inner join placed using (reason, field, value)
where replayedAt is null
group by 1, 2, 3
order by lines desc, reason, field, value
