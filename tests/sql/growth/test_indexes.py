"""Each index serves a question, and the planner takes it for that question."""

import re
from collections.abc import Iterator

import pytest

from resources.postgres import Connection
from tests.sql.growth.database import one

# Below the name of an index, the question that it serves. Days lie around :day, and numbers of rows in :id.
ASKED = r"""
leads_by_created
    select source, status, count(*) from marketing.leads where created_at > :day + interval '60 days' group by
    1, 2
leads_by_status
    select count(*) from marketing.leads where status = 'lost' and created_at > :day
leads_by_source
    select * from marketing.leads where source = 's3' and created_at > :day
leads_by_first_source
    select * from marketing.leads where first_source = 's3' and created_at > :day
leads_by_country
    select * from marketing.leads where country = 'DE' and created_at > :day
leads_by_company
    select * from marketing.leads where company_key = 'company 7'
leads_by_domain
    select * from marketing.leads where split_part(email_key, '@', 2) = 'd7.example'
leads_by_phone
    select * from marketing.leads where phone_e164 = '+49301000007'
leads_with_raw_phone
    select id from marketing.leads where phone is not null and phone_read_at is null and id > :id order by id
    limit 500
leads_by_captured
    select * from marketing.leads where last_captured_at > :day + interval '68 days'
leads_with_consent
    select email from marketing.leads where consent order by created_at limit 100
leads_by_name
    select * from marketing.leads where lower(name) like 'name 77%'
leads_by_utm
    select * from marketing.leads where utm @> '{"utm_campaign": "c7"}'
leads_by_metadata
    select * from marketing.leads where metadata @> '{"employees": 7}'
lead_interactions_by_lead
    select * from marketing.lead_interactions where lead_id = :id order by occurred_at desc
lead_interactions_by_kind
    select * from marketing.lead_interactions where kind = 'call' and occurred_at > :day + interval '60 days'
lead_interactions_by_channel
    select * from marketing.lead_interactions where channel = 'c3' and occurred_at > :day
lead_interactions_by_metadata
    select * from marketing.lead_interactions where metadata @> '{"ticket": 7}'
sessions_by_user
    select * from onboarding.sessions where user_id = :id order by started_at desc limit 1
sessions_by_lead
    select * from onboarding.sessions where lead_id = :id
sessions_inactive
    select id from onboarding.sessions where status = 'in_progress' and last_activity_at < :day order by
    last_activity_at limit 100
sessions_by_start
    select current_step, status, avg(progress_percentage) from onboarding.sessions where started_at > :day +
    interval '60 days' group by 1, 2
sessions_by_step
    select count(*) from onboarding.sessions where status = 'in_progress' and current_step = 'testing'
sessions_by_completed
    select id from onboarding.sessions where status = 'completed' and completed_at > :day + interval '60 days'
sessions_by_abandoned
    select ctid from onboarding.sessions where abandoned_at < :day
sessions_by_metadata
    select * from onboarding.sessions where metadata @> '{"plan": "p7"}'
step_activities_by_session
    select * from onboarding.step_activities where session_id = :id order by occurred_at
step_activities_by_step
    select avg(duration_seconds) from onboarding.step_activities where step = 'testing' and kind = 'completed'
    and occurred_at > :day
step_activities_errors
    select error from onboarding.step_activities where kind = 'error' and occurred_at > :day + interval '60
    days'
step_activities_by_time
    select ctid from onboarding.step_activities where occurred_at < :day - interval '3 days'
events_by_time
    select * from analytics.events where created_at >= :day and created_at < :day + interval '1 hour'
events_by_name
    select * from analytics.events where name = 'n7' and created_at > :day
events_by_type
    select count(*) from analytics.events where type = 'form' and created_at > :day
events_by_session
    select * from analytics.events where session_id = 's7' order by created_at
events_by_user
    select * from analytics.events where user_id = :id order by created_at
events_by_lead
    select * from analytics.events where lead_id = :id order by created_at
events_by_country
    select count(*) from analytics.events where country = 'DE' and created_at > :day
events_by_page
    select count(*) from analytics.events where type = 'page_view' and page = '/p7' and created_at > :day
events_errors
    select * from analytics.events where type = 'error' and created_at > :day + interval '68 days'
events_conversions
    select count(*) from analytics.events where type = 'conversion' and name = 'n4' and created_at > :day
events_of_experiment
    select count(*) from analytics.events where properties ->> 'experiment' = 'e7' and created_at > :day
events_by_properties
    select * from analytics.events where properties @> '{"plan": "p7"}'
events_by_ingested
    select * from analytics.events where ingested_at > :day + interval '69 days'
event_aggregations_by_name
    select * from analytics.event_aggregations where name = 'n7' and period = 'hour' and window_start > :day
event_aggregations_by_type
    select * from analytics.event_aggregations where type = 'form' and period = 'hour' and window_start > :day
event_aggregations_by_country
    select * from analytics.event_aggregations where country = 'DE' and period = 'hour' and window_start > :day
event_aggregations_pkey
    select * from analytics.event_aggregations where period = 'hour' and window_start = :day
metrics_by_day
    select * from analytics.metrics where day = '2026-03-03'
metrics_by_dimension
    select * from analytics.metrics where dimension = 'country=DE' and day > '2026-03-03'
metrics_pkey
    select * from analytics.metrics where metric = 'm7' and day > '2026-03-03'
experiments_by_status
    select * from experiments.experiments where status = 'completed' and started_at > :day + interval '60 days'
assignments_by_user
    select * from experiments.assignments where user_id = :id
assignments_by_session
    select * from experiments.assignments where session_id = 's7'
assignments_by_variant
    select count(*) from experiments.assignments where experiment_id = :id and variant = 'b' and assigned_at >
    :day
assignments_exposed
    select * from experiments.assignments where experiment_id = :id and first_exposed_at is not null order by
    first_exposed_at desc limit 100
assignments_by_country
    select count(*) from experiments.assignments where experiment_id = :id and country = 'DE'
accounts_by_user
    select id from whatsapp.accounts where user_id = :id
accounts_by_lead
    select id from whatsapp.accounts where lead_id = :id
accounts_by_waba
    select id from whatsapp.accounts where waba_id = '7'
accounts_by_expiry
    select id from whatsapp.accounts where status = 'connected' and token_expires_at < :day
accounts_by_sync
    select id from whatsapp.accounts where status = 'connected' order by last_synced_at limit 10
templates_by_status
    select id from whatsapp.templates where status = 'pending' order by submitted_at limit 10
templates_rejected
    select id from whatsapp.templates where account_id = :id and status = 'rejected' order by reviewed_at desc
templates_by_category
    select id from whatsapp.templates where account_id = :id and category = 'utility' and status = 'approved'
pending_events_by_time
    select event_id from pipelines.pending_events where occurred_at >= :day and occurred_at < :day + interval '1
    hour'
audit_log_by_row
    select changed_at, operation from pipelines.audit_log where row_id = :id order by id
rate_limits_pkey
    select ctid from pipelines.rate_limits where minute < :day
"""
DAY, ID = "timestamptz '2026-03-01Z'", "'00000000-0000-4000-8000-000000000007'"
QUESTIONS = {
    index: sql.replace(":day", DAY).replace(":id", ID)
    for index, sql in re.findall(r"^(\w+)\n((?: {4}.*\n)+)", ASKED, re.MULTILINE)
}
OWN_INDEXES = """
select index.relname as name
from pg_index
inner join pg_class as index on index.oid = pg_index.indexrelid
inner join pg_namespace as namespace on namespace.oid = index.relnamespace
where
    namespace.nspname in ('marketing', 'onboarding', 'analytics', 'experiments', 'whatsapp', 'pipelines')
    and not exists (select from pg_constraint where pg_constraint.conindid = index.oid)
"""
# Rows are spread over 70 days from March on, and their columns over some values each, by their number.
FILL = """
set local session_replication_role = 'replica';
create function pg_temp.id(n integer) returns uuid language sql
return ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid;
create function pg_temp.at(n integer, rows integer) returns timestamptz language sql
return timestamptz '2026-02-24Z' + n * interval '75 days' / rows;

insert into marketing.leads (id, email, email_key, phone, phone_e164, phone_read_at, company_key, name, country, source,
    first_source, status, utm, metadata, consent, created_at, last_captured_at)
select pg_temp.id(n), 'l' || n || '@d' || n % 200 || '.example', 'l' || n || '@d' || n % 200 || '.example', '1' || n,
    '+49301' || lpad(n::text, 6, '0'), case when n % 20 > 0 then pg_temp.at(n, 3000) end, 'company ' || n % 500,
    'Name ' || n, (array['US', 'DE', 'BR', null])[1 + n % 4], 's' || n % 9, 's' || n % 7,
    (enum_range(null::marketing.lead_status))[1 + n % 5], jsonb_build_object('utm_campaign', 'c' || n % 90),
    jsonb_build_object('employees', n % 90), n % 3 = 0, pg_temp.at(n, 3000), pg_temp.at(n, 3000)
from generate_series(1, 3000) as n;
insert into marketing.lead_interactions (lead_id, kind, channel, metadata, occurred_at)
select pg_temp.id(1 + n % 3000), (enum_range(null::marketing.interaction_kind))[1 + n % 6], 'c' || n % 9,
    jsonb_build_object('ticket', n % 300), pg_temp.at(n, 6000)
from generate_series(1, 6000) as n;
insert into onboarding.sessions (id, session_token, user_id, lead_id, status, current_step, progress_percentage,
    started_at, last_activity_at, completed_at, abandoned_at, metadata)
select pg_temp.id(n), 'sess_of_number_' || n, pg_temp.id(n % 1500), pg_temp.id(n), status,
    (enum_range(null::onboarding.step))[case when n % 40 = 0 then 5 else 1 + n % 4 end], n % 100,
    pg_temp.at(n, 3000), pg_temp.at(n, 3000),
    case when status = 'completed' then pg_temp.at(n, 3000) end,
    case when status = 'abandoned' then pg_temp.at(n, 3000) end, jsonb_build_object('plan', 'p' || n % 90)
from generate_series(1, 3000) as n,
    lateral (select (enum_range(null::onboarding.session_status))[1 + (n / 40) % 3]) as drawn (status);
insert into onboarding.step_activities (session_id, step, kind, duration_seconds, occurred_at)
select pg_temp.id(1 + n % 3000), (enum_range(null::onboarding.step))[1 + n % 6],
    (enum_range(null::onboarding.activity_kind))[1 + (n / 6) % 4], n % 90, pg_temp.at(n, 8000)
from generate_series(1, 8000) as n;
insert into analytics.events (type, name, user_id, session_id, lead_id, properties, country, page, created_at,
    ingested_at)
select (enum_range(null::analytics.event_type))[case when n % 7 = 0 then 1 + n / 7 % 6 else 1 end],
    'n' || n % 50, pg_temp.id(n % 2000), 's' || n % 3000,
    case when n % 9 = 0 then pg_temp.id(n % 3000) end,
    jsonb_build_object('plan', 'p' || n % 300, 'experiment', case when n % 5 = 0 then 'e' || n % 40 end),
    case when n % 50 = 0 then 'DE' else 'US' end, '/p' || n % 40, pg_temp.at(n, 20000), pg_temp.at(n, 20000)
from generate_series(1, 20000) as n;
insert into analytics.event_aggregations (period, window_start, type, name, country, events)
select 'hour', date_trunc('hour', pg_temp.at(n, 5000)), (enum_range(null::analytics.event_type))[1 + n % 6],
    'n' || n % 50, (array['US', 'DE', 'BR', ''])[1 + n % 4], n
from generate_series(1, 5000) as n on conflict do nothing;
insert into analytics.metrics (metric, day, dimension, value)
select 'm' || n % 40, date '2026-03-01' + n / 200,
    case when n % 2 = 0 then 'country=' || (array['US', 'DE'])[1 + n % 4 / 2]
    else '' end, n from generate_series(1, 8000) as n on conflict do nothing;
insert into experiments.experiments (id, key, name, status, variants, primary_metric, started_at)
select pg_temp.id(n), 'e' || n, 'e',
    (enum_range(null::experiments.experiment_status))[case when n % 50 = 0 then 2 + n / 50 % 3 else 1 end],
    '[{"key": "a", "weight": 1, "is_control": true}, {"key": "b", "weight": 1}]', 'm', pg_temp.at(n, 1000)
from generate_series(1, 1000) as n;
insert into experiments.assignments (experiment_id, user_id, session_id, variant, country, bucket, assigned_at,
    first_exposed_at)
select pg_temp.id(n % 10), pg_temp.id(n), 's' || n, (array['a', 'b'])[1 + n % 2],
    (array['US', 'DE', 'BR', null])[1 + n % 4], n % 10000, pg_temp.at(n, 9000),
    case when n % 3 = 0 then pg_temp.at(n, 9000) + interval '1 hour' end
from generate_series(1, 9000) as n;
insert into whatsapp.accounts (id, user_id, lead_id, waba_id, phone_number_id, status, token_expires_at, last_synced_at)
select pg_temp.id(n), pg_temp.id(n), pg_temp.id(n), (n / 3)::text, n::text,
    (enum_range(null::whatsapp.account_status))[1 + n % 4], pg_temp.at(n, 2000), pg_temp.at(n, 2000)
from generate_series(1, 2000) as n;
insert into whatsapp.templates (account_id, name, category, status, submitted_at, reviewed_at)
select pg_temp.id(n % 600), 't' || n, (enum_range(null::whatsapp.template_category))[1 + n % 3],
    (enum_range(null::whatsapp.template_status))[1 + (n / 3) % 5], pg_temp.at(n, 9000), pg_temp.at(n, 9000)
from generate_series(1, 9000) as n;
insert into pipelines.pending_events select pg_temp.id(n), pg_temp.at(n, 9000) from generate_series(1, 9000) as n;
insert into pipelines.audit_log (made_by, table_name, row_id, operation, columns, new_values)
select 'anon', 'marketing.leads', pg_temp.id(n % 3000), 'update', '{status}', '{}' from generate_series(1, 9000) as n;
insert into pipelines.rate_limits
select date_trunc('minute', pg_temp.at(n, 3000)), sha256(n::text::bytea), 1 from generate_series(1, 3000) as n;
"""


@pytest.fixture(scope="module")
def filled(shared: Connection) -> Iterator[Connection]:
    """Some thousand rows a table, with statistics."""
    with shared.transaction():
        shared.execute(FILL.encode())
    names = {name for sql in QUESTIONS.values() for name in re.findall(r"from (\w+\.\w+)", sql)}
    shared.execute(f"vacuum analyze {', '.join(names)}".encode())
    yield shared
    shared.execute(f"truncate {', '.join(names)} cascade".encode())


@pytest.mark.parametrize("index", QUESTIONS)
def test_a_question_takes_its_index(filled: Connection, index: str) -> None:
    plan = filled.execute(f"explain (costs off) {QUESTIONS[index]}".encode()).fetchall()
    lines = [row["QUERY PLAN"] for row in plan]
    assert any(f"{index} " in f"{line} " for line in lines), "\n".join(lines)


def test_every_index_is_asked_for_and_there_are_fifty(shared: Connection) -> None:
    own = {row["name"] for row in shared.execute(OWN_INDEXES.encode())}
    constraints = {"assignments_session_has_a_variant_already"}
    asked = {index for index in QUESTIONS if not index.endswith("_pkey")}
    assert own - constraints == asked
    assert len(asked) >= 50


def test_no_index_is_there_twice(shared: Connection) -> None:
    """Columns, order, condition and operators are the same."""
    twice = """
        select count(*) as n
        from pg_index as one
        join pg_index as other on one.indrelid = other.indrelid and one.indexrelid <> other.indexrelid
        where one.indrelid >= 16384 and one.indclass::text = other.indclass::text
            and (one.indkey::text, one.indoption::text) = (other.indkey::text, other.indoption::text)
            and coalesce(pg_get_expr(one.indpred, one.indrelid), '')
                = coalesce(pg_get_expr(other.indpred, other.indrelid), '')
            and coalesce(pg_get_expr(one.indexprs, one.indrelid), '')
                = coalesce(pg_get_expr(other.indexprs, other.indrelid), '')
    """
    assert one(shared, twice)["n"] == 0
