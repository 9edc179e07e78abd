-- The metrics of some hours (a JSON array of their starts) of what sessions and points there are of them: per user, and
-- of all together. Amounts are counted in millionths, each rounded by itself, so that sums come out exact. Hours that
-- are kept as they are have none.
with wanted (windowStart) as (
    select value from json_each(?1)
    where value >= $kept_before
),

measured (windowStart, userId, metric, amount) as (
    select
        substr(detail.timestamp, 1, 13) || ':00:00.000Z',
        detail.userId,
        measure.key,
        cast(round(measure.value * 1000000) as integer)
    from $sessions as detail, json_each(json_object(
        'sessions', 1,
        'session.durationSeconds', detail.durationSeconds,
        'session.rating', detail.rating,
        'session.amount.' || coalesce(detail.unit, 'unknown'), detail.amount
    )) as measure
    where
        detail.timestamp >= ?2 and detail.timestamp < ?3
        and substr(detail.timestamp, 1, 13) || ':00:00.000Z' in (select windowStart from wanted)
        and measure.value is not null

    union all

    select
        substr(detail.at, 1, 13) || ':00:00.000Z',
        detail.userId,
        'points',
        1000000
    from $points as detail
    where
        detail.at >= ?2 and detail.at < ?3
        and substr(detail.at, 1, 13) || ':00:00.000Z' in (select windowStart from wanted)

    union all

    select
        substr(detail.at, 1, 13) || ':00:00.000Z',
        detail.userId,
        'point.' || measure.key,
        cast(round(measure.value * 1000000) as integer)
    from $points as detail, json_each(detail.measures) as measure
    where
        detail.at >= ?2 and detail.at < ?3
        and substr(detail.at, 1, 13) || ':00:00.000Z' in (select windowStart from wanted)
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
