-- One row an experiment that is looked at: it began before `until`, and did not end before `since`. In order of its key.
-- ended_at is null where it had not ended by `until`; lacks_end where it is completed and nobody said when: updated_at
-- does not say it, because it moves with every change of the row. Parameters: until, since.
select id, key, name, variants, primary_metric, guardrail_metrics, minimum_exposure, planned_total,
    alpha::double precision as alpha, started_at, case when ended_at < %(until)s then ended_at end as ended_at,
    status = 'completed' and ended_at is null as lacks_end
from $experiments
where status <> 'draft' and started_at < %(until)s and (ended_at is null or ended_at >= %(since)s)
order by key
