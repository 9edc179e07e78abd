-- One row a range up to `today`: the onboardings that began in it, by the step that they are in and by their status,
-- with the average of their progress in percent. Parameters: today.
with found as (
    select
        ranges.range,
        ranges.days,
        session.current_step,
        session.status,
        count(session.id) as sessions,
        round(avg(session.progress_percentage), 1) as progress
    from (values ('7d', 7), ('30d', 30), ('90d', 90)) as ranges (range, days)
    left join onboarding.sessions as session
        on session.started_at >= (%(today)s::date - ranges.days + 1)::timestamp at time zone 'UTC'
        and session.started_at < (%(today)s::date + 1)::timestamp at time zone 'UTC'
    group by ranges.range, ranges.days, session.current_step, session.status
)

select
    range,
    jsonb_build_object(
        'from', %(today)s::date - days + 1,
        'to', %(today)s::date,
        'sessions', sum(sessions),
        'items', coalesce(
            jsonb_agg(
                jsonb_build_object('step', current_step, 'status', status, 'sessions', sessions, 'progress', progress)
                order by current_step, status
            ) filter (where current_step is not null),
            '[]'
        )
    )::text as value
from found
group by range, days
order by range
