-- One row per reason, field and value of an app's refused lines of access logs that are not closed, the most frequent
-- first. Of many values of a field, all but the ten most frequent are one row, whose value is `…`.
with refused as (
    select refusals.reason, refusals.field, refusals.value, refusals.object
    from cache.access_refusals as refusals
    join cache.access_objects as objects using (namespace, object)
    where namespace = %(app)s and objects.sha256 is not null and refusals.replayed_at is null
), placed as (
    select reason, field, value, row_number() over (partition by reason, field order by count(*) desc, value) as place
    from refused
    group by reason, field, value
)
select
    reason, field, case when place <= 10 then value else '…' end as value, count(*) as lines,
    count(distinct object) as batches, min(object) as example
from refused
join placed using (reason, field, value)
group by 1, 2, 3
order by lines desc, reason, field, value
