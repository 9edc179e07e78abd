-- One row a variant of an experiment, without a metric: its units, and how many of them have seen it first since `recent`.
-- And one row a variant and metric: the units with a value, the sum of their values, and of the squares. The two inner
-- statements are the app's, and have the parameters experiments, ends, measured and metrics. Parameter of its own: recent.
with exposed as materialized (
$exposures
),
outcomes as (
$outcomes
)
select experiment_id, variant, null as metric, count(*) as units,
    count(*) filter (where exposed_at >= %(recent)s) as recent, null::double precision as total,
    null::double precision as squares
from exposed
group by experiment_id, variant
union all
select experiment_id, variant, metric, count(*), 0, sum(value)::double precision, sum(value * value)::double precision
from outcomes
group by experiment_id, variant, metric
