-- One row a metric and variant of an experiment: the sum of its units' values, and of their squares. Units without a
-- value count 0. The inner statement is the app's, and has the parameters.
select experiment_id, metric, variant, sum(value)::double precision as total,
    sum(value * value)::double precision as squares
from (
$outcomes
) as outcomes
group by experiment_id, metric, variant
