-- One row a look and treatment of the last days whose lift by the primary metric is known, in order of the day.
-- Parameters: app, experiment, since and until (days, both included).
select day, variant, lift, lift_low, lift_high, verdict
from experiments.results
where app = %(app)s and experiment = %(experiment)s and day between %(since)s and %(until)s
  and not is_guardrail and lift is not null
order by day, variant
