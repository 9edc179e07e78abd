-- One row an experiment that is looked at: it began before `until`, and did not end before `since`. In order of its key.
-- ended_at is null where it had not ended by `until`. Parameters: until, since.
select id, key, name, variants, primary_metric, guardrail_metrics, minimum_exposure, planned_total,
    alpha::double precision as alpha, started_at, case when ended < %(until)s then ended end as ended_at
from (
    select *, coalesce(ended_at, case when status = 'completed' then updated_at end) as ended from $experiments
) as defined
where status <> 'draft' and started_at < %(until)s and (ended is null or ended >= %(since)s)
order by key
