-- One row per reason, field and value of the app's refused lines that are not closed, the most frequent first. Of many
-- values of a field, all but the ten most frequent are one row, whose value is `…`.
with refused as (
    select quarantine.reason, quarantine.field, quarantine.value, quarantine.sha256, quarantine.object_key
    from ingest.quarantine
    join ingest.runs using (ingest_id)
    where quarantine.app = %(app)s and runs.state = 'committed' and replayed_at is null
), placed as (
    select reason, field, value, row_number() over (partition by reason, field order by count(*) desc, value) as place
    from refused
    group by reason, field, value
)
select
    reason, field, case when place <= 10 then value else '…' end as value, count(*) as lines,
    count(distinct sha256) as batches, min(object_key) as example
from refused
join placed using (reason, field, value)
group by 1, 2, 3
order by lines desc, reason, field, value
