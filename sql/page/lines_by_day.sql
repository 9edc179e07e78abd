-- One row an app and UTC day since a moment (since) on which batches were taken: how many lines they had, and what became
-- of them.
select
    batches.app,
    runs.started_at::date as day,
    sum(received)::bigint as received,
    sum(stored)::bigint as stored,
    sum(doubled)::bigint as doubled,
    sum(quarantined)::bigint as quarantined,
    sum(without_consent)::bigint as without_consent,
    sum(conflicting)::bigint as conflicting
from ingest.batches
join ingest.runs using (ingest_id)
where runs.state = 'committed' and runs.started_at >= %(since)s
group by batches.app, runs.started_at::date
order by batches.app, day
