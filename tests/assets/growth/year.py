"""Rows of many days, made by SQL at once: past the triggers, which would take each of them for one of today."""

from datetime import datetime

from resources.postgres import Connection

TRIGGERS = ("analytics.events", "marketing.leads", "onboarding.sessions")

LEADS = """
insert into marketing.leads (
    email, email_key, phone, phone_read_at, country, source, first_source, status, created_at, last_captured_at
)
select
    'lead' || n || '@example.com',
    'lead' || n || '@example.com',
    case when n %% 2 = 0 then '+1 202 555 ' || lpad((n %% 10000)::text, 4, '0') end,
    case when n %% 500 <> 0 then at end,
    (array['US', 'DE', 'BR', 'GB', 'MX', 'JP'])[1 + n %% 6],
    (array['website-form', 'google-ads', 'facebook-ads', 'referral', 'demo-request'])[1 + n %% 5],
    (array['website-form', 'google-ads', 'facebook-ads', 'referral', 'demo-request'])[1 + n %% 5],
    (enum_range(null::marketing.lead_status))[1 + (n / 7) %% 5],
    at,
    at
from generate_series(%(first)s::bigint, %(first)s::bigint + %(number)s::bigint - 1) as n
cross join lateral (
    select %(start)s::timestamptz + (n - %(first)s) * (%(length)s::interval / %(number)s::double precision) as at
) as moment
"""

SESSIONS = """
insert into onboarding.sessions (
    session_token, current_step, status, progress_percentage, started_at, last_activity_at, completed_at, abandoned_at
)
select
    'sess_' || md5(n::text),
    (enum_range(null::onboarding.step))[1 + n %% 6],
    status,
    (n %% 6) * 16,
    at,
    at + interval '10 minutes',
    case when status = 'completed' then at + interval '10 minutes' end,
    case when status = 'abandoned' then at + interval '2 hours' end
from generate_series(%(first)s::bigint, %(first)s::bigint + %(number)s::bigint - 1) as n
cross join lateral (
    select
        %(start)s::timestamptz + (n - %(first)s) * (%(length)s::interval / %(number)s::double precision) as at,
        (
            case n %% 10 when 0 then 'completed' when 1 then 'in_progress' else 'abandoned' end
        )::onboarding.session_status as status
) as moment
"""

EVENTS = """
insert into analytics.events (
    type, name, user_id, session_id, properties, country, user_agent, page, created_at, ingested_at
)
select
    kind,
    kind || '-' || n %% 3,
    case when n %% 4 = 0 then md5((n %% 100003)::text)::uuid end,
    'visit-' || n / 8,
    jsonb_build_object('path', '/p/' || n %% 400, 'plan', n %% 5),
    (array['US', 'DE', 'BR', 'GB', 'MX', 'JP', 'FR', 'IN', 'ES', 'IT', 'NL', null])[1 + (n / 8) %% 12],
    'Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0',
    '/p/' || n %% 400,
    at,
    at + interval '2 seconds'
from generate_series(%(first)s::bigint, %(first)s::bigint + %(number)s::bigint - 1) as n
cross join lateral (
    select
        %(start)s::timestamptz + (n - %(first)s) * (%(length)s::interval / %(number)s::double precision) as at,
        (
            array['page_view', 'page_view', 'page_view', 'user_action', 'form', 'conversion', 'system', 'error']
        )[1 + n %% 8]::analytics.event_type as kind
) as moment
"""

AGGREGATIONS = """
insert into analytics.event_aggregations (period, window_start, type, name, country, events, sessions, users)
select
    period, date_trunc(period::text, created_at, 'UTC'), type, name, coalesce(country, ''),
    count(*), count(distinct session_id), count(distinct user_id)
from analytics.events
cross join unnest(enum_range(null::analytics.period)) as period
where created_at >= %(start)s and created_at < %(start)s::timestamptz + %(length)s::interval
group by 1, 2, 3, 4, 5
"""


def fill(connection: Connection, start: datetime, days: int, *wanted: tuple[str, int, int]) -> None:
    """Make rows of some days from `start` on, evenly in time.

    wanted: statements of this module, each with how many rows it makes and the number of the first one.
    """
    connection.execute("; ".join(f"alter table {name} disable trigger user" for name in TRIGGERS))
    for statement, number, first in wanted:
        connection.execute(statement, {"start": start, "length": f"{days} days", "number": number, "first": first})
    connection.execute("; ".join(f"alter table {name} enable trigger user" for name in TRIGGERS))
