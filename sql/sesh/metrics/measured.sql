-- One row an amount of a session or a point in [?2, ?3) whose hour is in `wanted`: windowStart, userId, metric, amount.
-- Amounts are in millionths; each is rounded by itself, so that sums are exact.
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
