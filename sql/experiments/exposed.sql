-- One row a variant of an experiment: how many units have seen it before the experiment's end, and how many of them first
-- since `recent`. Parameters: experiments and ends (one entry an experiment each), recent.
select a.experiment_id, a.variant, count(*) as exposed,
    count(*) filter (where a.first_exposed_at >= %(recent)s) as recent
from unnest(%(experiments)s::uuid[], %(ends)s::timestamptz[]) as looked (experiment_id, until)
join $assignments a on a.experiment_id = looked.experiment_id and a.first_exposed_at < looked.until
group by a.experiment_id, a.variant
