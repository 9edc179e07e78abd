-- One row an organisation of the app and a range up to `today`: its points in time. They are hours in the range of one
-- day, days in the others; windows without events have none.
with points as (
    select
        org_tag,
        '1d' as range,
        %(today)s::date as start,
        hour as at,
        jsonb_build_object(
            'at', to_char(hour at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
            'events', events, 'visitors', visitors, 'sessions', sessions, 'value', trim_scale(value)
        ) as point
    from rollups.hourly_totals
    where
        app = %(app)s
        and hour >= %(today)s::date::timestamp at time zone 'UTC'
        and hour < (%(today)s::date + 1)::timestamp at time zone 'UTC'
    union all
    select
        totals.org_tag,
        ranges.range,
        %(today)s::date - ranges.days + 1,
        totals.day::timestamp at time zone 'UTC',
        jsonb_build_object(
            'at', totals.day,
            'events', totals.events, 'visitors', totals.visitors, 'sessions', totals.sessions,
            'value', trim_scale(totals.value)
        )
    from (values ('7d', 7), ('30d', 30), ('90d', 90)) as ranges (range, days)
    inner join rollups.daily_totals as totals
        on totals.day > %(today)s::date - ranges.days and totals.day <= %(today)s::date
    -- The constant tells the planner how far back the ranges go; without it the whole history would be read.
    where totals.app = %(app)s and totals.day > %(today)s::date - 90
)

select
    org_tag,
    range,
    jsonb_build_object('from', start, 'to', %(today)s::date, 'items', jsonb_agg(point order by at))::text as value,
    org_tag as tenant
from points
group by org_tag, range, start
order by org_tag, range
