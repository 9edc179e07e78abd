-- One row a step of the onboarding and a status, in the order of the steps: how many sessions that started in a time are
-- in it now, and their progress on average. A step without any has one row, of no status. Parameters: since, until.
select
    step.step::text as step,
    step.position::int as position,
    session.status::text as status,
    count(session.id) as sessions,
    coalesce(avg(session.progress_percentage), 0)::float8 as progress
from unnest(enum_range(null::onboarding.step)) with ordinality as step (step, position)
left join onboarding.sessions as session
    on session.current_step = step.step
    and session.started_at >= %(since)s
    and session.started_at < %(until)s
group by step.step, step.position, session.status
order by step.position, session.status
