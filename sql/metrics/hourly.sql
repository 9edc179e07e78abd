-- One row a metric of an hour and a user, and of all users together (userId is empty): the metrics of the hours ?1 (a
-- JSON array of their starts) in [?2, ?3), counted from the amounts of `measured`. Hours that are kept as they are
-- have none.
with wanted (windowStart) as (
    select value from json_each(?1)
    where value >= $kept_before
),

measured (windowStart, userId, metric, amount) as (
    $measured
)

select
    windowStart,
    userId,
    metric,
    count(*) as entries,
    sum(amount) as total,
    min(amount) as least,
    max(amount) as most
from measured
group by windowStart, userId, metric

union all

select
    windowStart,
    '',
    metric,
    count(*),
    sum(amount),
    min(amount),
    max(amount)
from measured
group by windowStart, metric
