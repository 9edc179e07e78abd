-- One row: what making the metrics of some UTC days again from their events has done. A day of which events were deleted
-- after they were counted is kept as it is. Pending events are left to their batch.
-- Parameters: windows (the moments at which the days begin).
with wanted as (
    select window_start, window_start + interval '1 day' as window_end, (window_start at time zone 'UTC')::date as day
    from unnest(%(windows)s::timestamptz[]) as wanted (window_start)
),

events as materialized (
    select
        wanted.day,
        event.type,
        event.user_id,
        event.session_id,
        coalesce('country=' || event.country, 'country unknown') as country
    from wanted
    inner join analytics.events as event
        on event.created_at >= wanted.window_start and event.created_at < wanted.window_end
    where not exists (select 1 from pipelines.pending_events as pending where pending.event_id = event.id)
),

whole as materialized (
    select wanted.day
    from wanted
    where
        (select count(*) from events where events.day = wanted.day) >= (
            select coalesce(sum(stored.events), 0)
            from analytics.event_aggregations as stored
            where stored.period = 'day' and stored.window_start = wanted.window_start
        )
),

counted as (
    select
        day,
        coalesce(country, '') as dimension,
        count(*) as events,
        count(*) filter (where type = 'page_view') as page_views,
        count(*) filter (where type = 'error') as errors,
        count(*) filter (where type = 'conversion') as conversions,
        count(distinct session_id) as sessions,
        count(distinct session_id) filter (where type = 'conversion') as converting,
        count(distinct user_id) as users
    from events
    where day in (select whole.day from whole)
    group by grouping sets ((day), (day, country))
),

figures as materialized (
    select counted.day, counted.dimension, figure.metric, figure.numerator, figure.denominator
    from counted
    cross join lateral (
        values
        ('events', counted.events, null),
        ('page_views', counted.page_views, null),
        ('conversions', counted.conversions, null),
        ('sessions', counted.sessions, null),
        ('users', counted.users, null),
        ('conversion_rate', counted.converting, counted.sessions),
        ('error_rate', counted.errors, counted.events),
        ('events_per_session', counted.events, counted.sessions)
    ) as figure (metric, numerator, denominator)
    -- A share of nothing is no figure.
    where figure.denominator is distinct from 0
),

made as (
    insert into analytics.metrics as stored (metric, day, dimension, value, numerator, denominator)
    select metric, day, dimension, numerator::double precision / coalesce(denominator, 1), numerator, denominator
    from figures
    on conflict (metric, day, dimension) do update set
        value = excluded.value,
        numerator = excluded.numerator,
        denominator = excluded.denominator,
        updated_at = now()
    where (stored.value, stored.numerator, stored.denominator)
        is distinct from (excluded.value, excluded.numerator, excluded.denominator)
    returning 1
),

surplus as (
    delete from analytics.metrics as stored
    using whole
    where
        stored.day = whole.day
        and not exists (
            select 1
            from figures
            where
                figures.metric = stored.metric
                and figures.day = stored.day
                and figures.dimension = stored.dimension
        )
    returning 1
)

select
    (select count(*) from whole) as made,
    (select count(*) from wanted) - (select count(*) from whole) as kept,
    (select count(*) from events) as events,
    (select count(*) from made) + (select count(*) from surplus) as rows_changed
