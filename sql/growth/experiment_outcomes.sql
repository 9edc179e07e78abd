-- One row a unit and a metric of its experiment, where an event of that name came after the unit saw its variant and before
-- the experiment's end: the value 1, a conversion, however often the event came. `exposed` has the rows of
-- experiment_exposures.sql. Parameters: measured and metrics (one entry an experiment and metric each).
select experiment_id, metric, variant, 1 as value
from (
    select x.experiment_id, w.metric, x.variant, x.id
    from unnest(%(measured)s::uuid[], %(metrics)s::text[]) as w (experiment_id, metric)
    join exposed x using (experiment_id)
    join analytics.events e on e.user_id = x.user_id and e.name = w.metric
    where e.created_at >= x.exposed_at and e.created_at < x.until
    union
    select x.experiment_id, w.metric, x.variant, x.id
    from unnest(%(measured)s::uuid[], %(metrics)s::text[]) as w (experiment_id, metric)
    join exposed x using (experiment_id)
    join analytics.events e on e.session_id = x.session_id and e.name = w.metric
    where e.created_at >= x.exposed_at and e.created_at < x.until and (x.user_id is null or e.user_id is null)
) as converted
