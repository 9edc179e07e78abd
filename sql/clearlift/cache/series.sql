-- One row an active organisation of the app (tags) and a range up to `today`: its points in time, and those of the period
-- before, which is null where it began before the first roll-up. Points are hours in the range of one day, days in the
-- others; windows without events have none.
with ranges as (
    select * from (values ('1d', 1), ('7d', 7), ('30d', 30), ('90d', 90)) as ranges (range, days)
),

known as (
    select min(window_start at time zone 'UTC')::date as since
    from rollups.windows
    where app = %(app)s and grain = 'daily' and org_tag = '' and built_at is not null
),

points as (
    select
        org_tag,
        '1d' as range,
        hour as at,
        hour >= %(today)s::date::timestamp at time zone 'UTC' as present,
        jsonb_build_object(
            'at', to_char(hour at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
            'events', events, 'visitors', visitors, 'sessions', sessions, 'event_value_sum', trim_scale(value)
        ) as point
    from rollups.hourly_totals
    where
        app = %(app)s and org_tag = any(%(tags)s::text[])
        and hour >= (%(today)s::date - 1)::timestamp at time zone 'UTC'
        and hour < (%(today)s::date + 1)::timestamp at time zone 'UTC'
    union all
    select
        totals.org_tag,
        ranges.range,
        totals.day::timestamp at time zone 'UTC',
        totals.day > %(today)s::date - ranges.days,
        jsonb_build_object(
            'at', totals.day,
            'events', totals.events, 'visitors', totals.visitors, 'sessions', totals.sessions,
            'event_value_sum', trim_scale(totals.value)
        )
    from ranges
    inner join rollups.daily_totals as totals
        on totals.day > %(today)s::date - 2 * ranges.days and totals.day <= %(today)s::date
    -- The constant tells the planner how far back the ranges go; without it the whole history would be read.
    where
        totals.app = %(app)s and totals.org_tag = any(%(tags)s::text[])
        and totals.day > %(today)s::date - 180 and ranges.days > 1
)

select
    tag as org_tag,
    ranges.range,
    jsonb_build_object(
        'from', %(today)s::date - ranges.days + 1,
        'to', %(today)s::date,
        'items', coalesce(jsonb_agg(point order by at) filter (where present), '[]'),
        'previous', case when known.since <= %(today)s::date - 2 * ranges.days + 1 then jsonb_build_object(
            'from', %(today)s::date - 2 * ranges.days + 1,
            'to', %(today)s::date - ranges.days,
            'items', coalesce(jsonb_agg(point order by at) filter (where not present), '[]')
        ) end
    )::text as value,
    tag as tenant
from unnest(%(tags)s::text[]) as tag
cross join ranges
cross join known
left join points on points.org_tag = tag and points.range = ranges.range
group by tag, ranges.range, ranges.days, known.since
order by tag, ranges.range
