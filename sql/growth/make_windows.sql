-- One row: what making the aggregations of some windows again from their events has done. A window of which events were
-- deleted after they were counted is kept as it is, because a recount would lose them; its number of events is right all
-- the same, for late ones were added to it. Pending events are left to their batch.
-- Parameters: kind ('hour' or 'day'), windows (the moments at which they begin).
with wanted as (
    select window_start, window_start + ('1 ' || %(kind)s)::interval as window_end
    from unnest(%(windows)s::timestamptz[]) as wanted (window_start)
),

counted as materialized (
    select
        wanted.window_start,
        event.type,
        event.name,
        coalesce(event.country, '') as country,
        count(*) as events,
        count(distinct event.session_id) as sessions,
        count(distinct event.user_id) as users
    from wanted
    inner join analytics.events as event
        on event.created_at >= wanted.window_start and event.created_at < wanted.window_end
    where not exists (select 1 from pipelines.pending_events as pending where pending.event_id = event.id)
    group by wanted.window_start, event.type, event.name, coalesce(event.country, '')
),

whole as materialized (
    select wanted.window_start
    from wanted
    where
        (
            select coalesce(sum(counted.events), 0)
            from counted
            where counted.window_start = wanted.window_start
        ) >= (
            select coalesce(sum(stored.events), 0)
            from analytics.event_aggregations as stored
            where stored.period = %(kind)s::analytics.period and stored.window_start = wanted.window_start
        )
),

made as (
    insert into analytics.event_aggregations as stored
        (period, window_start, type, name, country, events, sessions, users)
    select %(kind)s::analytics.period, window_start, type, name, country, events, sessions, users
    from counted
    where window_start in (select whole.window_start from whole)
    on conflict (period, window_start, type, name, country) do update set
        events = excluded.events,
        sessions = excluded.sessions,
        users = excluded.users,
        updated_at = now()
    where (stored.events, stored.sessions, stored.users)
        is distinct from (excluded.events, excluded.sessions, excluded.users)
    returning 1
),

surplus as (
    delete from analytics.event_aggregations as stored
    using whole
    where
        stored.period = %(kind)s::analytics.period
        and stored.window_start = whole.window_start
        and not exists (
            select 1
            from counted
            where
                counted.window_start = stored.window_start
                and counted.type = stored.type
                and counted.name = stored.name
                and counted.country = stored.country
        )
    returning 1
)

select
    (select count(*) from whole) as made,
    (select count(*) from wanted) - (select count(*) from whole) as kept,
    (select coalesce(sum(events), 0)::bigint from counted) as events,
    (select count(*) from made) + (select count(*) from surplus) as rows_changed
