-- One row a unit and a metric of its experiment, where an event of that name came after the unit saw its variant and before
-- the experiment's end: the value 1, a conversion, however often the event came. `exposed` has the rows of
-- experiment_exposures.sql. Parameters: measured and metrics (one entry an experiment and metric each).
with happened as materialized (
    -- Read once for all experiments, because to look up each user takes ten times as long.
    select name, user_id, session_id, created_at
    from analytics.events
    where name = any(%(metrics)s) and created_at >= (select min(exposed_at) from exposed)
),
wanted as (
    select * from unnest(%(measured)s::uuid[], %(metrics)s::text[]) as w (experiment_id, metric)
)
select experiment_id, metric, variant, 1 as value
from (
    select x.experiment_id, w.metric, x.variant, x.id
    from happened h
    join exposed x on x.user_id = h.user_id
    join wanted w on w.experiment_id = x.experiment_id and w.metric = h.name
    where h.created_at >= x.exposed_at and h.created_at < x.until
    union
    select x.experiment_id, w.metric, x.variant, x.id
    from happened h
    join exposed x on x.session_id = h.session_id and (x.user_id is null or h.user_id is null)
    join wanted w on w.experiment_id = x.experiment_id and w.metric = h.name
    where h.created_at >= x.exposed_at and h.created_at < x.until
) as converted
