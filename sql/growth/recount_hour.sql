-- One row a type, name and country of a random hour that has ended: what its events are counted to now, and what the
-- aggregations hold. Distinct counts are null where the hour is to be made again, or was not made yet. No row where no
-- hour has anything to compare. Parameters: since, until (the hour lies between these two), seed (0 to 1: which hour).
with hours as (
    select hour, row_number() over (order by hour) - 1 as number, count(*) over () as hours
    from generate_series(
        %(since)s::timestamptz, %(until)s::timestamptz - interval '1 hour', interval '1 hour'
    ) as hour
    where
        exists (
            select 1 from analytics.events
            where events.created_at >= hour and events.created_at < hour + interval '1 hour'
        )
        or exists (
            select 1 from analytics.event_aggregations as stored
            where stored.period = 'hour' and stored.window_start = hour
        )
),

chosen as materialized (
    select
        hour,
        exists (
            select 1 from pipelines.stale_windows as stale where stale.kind = 'hour' and stale.window_start = hour
        ) as stale
    from hours
    where number = least(floor(%(seed)s * hours), hours - 1)
),

counted as (
    select
        event.type,
        event.name,
        coalesce(event.country, '') as country,
        count(*) as events,
        count(distinct event.session_id) as sessions,
        count(distinct event.user_id) as users
    from chosen
    inner join analytics.events as event
        on event.created_at >= chosen.hour and event.created_at < chosen.hour + interval '1 hour'
    where not exists (select 1 from pipelines.pending_events as pending where pending.event_id = event.id)
    group by event.type, event.name, coalesce(event.country, '')
),

stored as (
    select stored.type, stored.name, stored.country, stored.events, stored.sessions, stored.users
    from chosen
    inner join analytics.event_aggregations as stored
        on stored.period = 'hour' and stored.window_start = chosen.hour
)

select
    chosen.hour,
    coalesce(counted.type, stored.type)::text as type,
    coalesce(counted.name, stored.name) as name,
    coalesce(counted.country, stored.country) as country,
    coalesce(counted.events, 0) as counted_events,
    coalesce(stored.events, 0) as stored_events,
    case when not chosen.stale then coalesce(counted.sessions, 0) end as counted_sessions,
    case when not chosen.stale then stored.sessions end as stored_sessions,
    case when not chosen.stale then coalesce(counted.users, 0) end as counted_users,
    case when not chosen.stale then stored.users end as stored_users
from chosen
cross join (counted full join stored using (type, name, country))
order by type, name, country
