"""Growth's database through a transaction pooler, where each transaction may meet another session."""

import json

from resources.postgres import Postgres
from tests.resources.postgres.transaction_pooler import pooler
from tests.sql.growth.database import CLAIMS, VARIANTS, A


def test_requests_and_jobs_work_and_leave_nothing_in_a_session(growth_dsn: str) -> None:
    with pooler(growth_dsn) as dsn, Postgres(dsn) as pooled:
        pooled.execute(
            "insert into experiments.experiments (key, name, status, variants, primary_metric, started_at)"
            " values ('k', 'k', 'running', %s, 'm', now())",
            (VARIANTS,),
        )
        for number in range(6):
            with pooled.connection() as connection:
                connection.execute(
                    "select set_config('request.jwt.claims', %s, true), set_config('role', 'anon', true)",
                    (json.dumps(CLAIMS["anon"]),),
                )
                for email in (f"ada+{number}@example.com", f"lead{number}@example.com"):
                    if number < 5:
                        connection.execute("insert into marketing.leads (email) values (%s)", (email,))
            assert pooled.fetch("select current_setting('role') as role, pipelines.claims() as claims") == [
                {"role": "none", "claims": {}}
            ]
        assert pooled.fetch("select capture_count from marketing.leads where email_key = 'ada@example.com'") == [
            {"capture_count": 5}
        ]
        variants = [pooled.fetch("select * from auto_assign_experiments(%s, 's', 'US')", (A,)) for _ in range(6)]
        assert variants == variants[:1] * 6
        pooled.execute("insert into analytics.events (type, name) select 'form', 'x' from generate_series(1, 10)")
        assert sum(pooled.fetch("select events from process_pending_events(4)")[0]["events"] for _ in range(4)) == 10
