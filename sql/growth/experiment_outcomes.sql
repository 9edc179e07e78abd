-- One row a unit that has seen its variant and a metric of its experiment, where an event of that name came between its
-- first sight of the variant and the experiment's end: the value 1, a conversion, however often the event came. A unit
-- is a user with the session in which the variant was assigned, or a session.
-- Parameters: experiments, metrics and ends (one entry an experiment and metric each).
with wanted as (
    select * from unnest(%(experiments)s::uuid[], %(metrics)s::text[], %(ends)s::timestamptz[])
        as w (experiment_id, metric, until)
)
select experiment_id, metric, variant, id, 1 as value
from (
    select w.experiment_id, w.metric, a.variant, a.id
    from wanted w
    join experiments.assignments a on a.experiment_id = w.experiment_id
    join analytics.events e on e.user_id = a.user_id and e.name = w.metric
    where e.created_at >= a.first_exposed_at and e.created_at < w.until
    union
    select w.experiment_id, w.metric, a.variant, a.id
    from wanted w
    join experiments.assignments a on a.experiment_id = w.experiment_id
    join analytics.events e on e.session_id = a.session_id and e.name = w.metric
    where e.created_at >= a.first_exposed_at and e.created_at < w.until and (a.user_id is null or e.user_id is null)
) as converted
