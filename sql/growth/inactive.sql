-- One row: how many onboarding sessions are in progress, and in how many of them nothing happened since a moment.
-- Parameters: since.
select
    count(*) as in_progress,
    count(*) filter (where last_activity_at <= %(since)s::timestamptz) as inactive
from onboarding.sessions
where status = 'in_progress'
