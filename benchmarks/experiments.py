"""A daily look at experiments that run for 30 days: counted in the database, and by pandas from the same rows.

The database has ten times the load that the application was planned for. Both count users and conversions of five
experiments by two metrics each. What is timed of ours is the whole look, with its verdicts, the proof of assignments
and what is stored; of pandas only the counting.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from assets.apps.growth import APP
from assets.experiments.look import Looking
from benchmarks import dataset, measure
from clearlift_pipelines.stores import Stores

NOW = datetime(2026, 12, 1, 6, tzinfo=UTC)
DAYS, EVENTS_A_DAY, USERS, EXPERIMENTS = 30, 25_000, 60_000, 5
MADE = "select count(*) as n from experiments.experiments where key like 'bench-%%'"
FILL = """
alter table analytics.events disable trigger user;
insert into experiments.experiments (key, name, status, variants, primary_metric, guardrail_metrics, started_at)
select 'bench-' || n, 'Experiment ' || n, 'running',
    '[{"key": "control", "weight": 1, "is_control": true}, {"key": "treatment", "weight": 1}]', 'signup',
    '{-client_error}', '2026-11-01'
from generate_series(1, {experiments}) as n;
insert into experiments.assignments (experiment_id, user_id, variant, bucket, assigned_at, first_exposed_at)
select id, person, pipelines.variant_of(variants, bucket), bucket, at, at
from experiments.experiments
cross join (
    select md5('user ' || n)::uuid as person, timestamptz '2026-11-01' + n * interval '{days} days' / {users} as at
    from generate_series(1, {users}) as n
) as users
cross join lateral pipelines.bucket(key, person::text) as bucket
where key like 'bench-%';
insert into analytics.events (type, name, user_id, session_id, created_at)
select case when n % 50 = 0 then 'error' else 'user_action' end::analytics.event_type,
    case when n % 50 = 0 then 'client_error' when n % 20 = 1 then 'signup' else 'page_' || n % 40 end,
    md5('user ' || 1 + n * 7919 % {users})::uuid, 'visit-' || n / 5,
    timestamptz '2026-11-01' + n * (interval '1 day' / {events})
from generate_series(0::bigint, {days} * {events} - 1) as n;
alter table analytics.events enable trigger user;
analyze
"""


def main() -> None:
    """Print the table."""
    measured = measure.contest("benchmarks.experiments", ("ours", "in_pandas"))
    assert measured["ours"].details["conversions"] == measured["in_pandas"].details["conversions"]
    ours = measured["ours"].seconds
    measure.table(
        f"A look at {EXPERIMENTS} experiments of {USERS:,} users each, over {DAYS * EVENTS_A_DAY:,} events",
        ["contender", "seconds", "CPU seconds", "peak MB", "ours is … times as fast"],
        [
            [name.replace("_", " "), f"{m.seconds:.2f}", f"{m.cpu:.2f}", f"{m.peak_mb:,.0f}", f"{m.seconds / ours:.1f}"]
            for name, m in measured.items()
        ],
    )
    dataset.stores("experiments").close()  # the contenders' processes left its server running


def ours() -> Callable[[], Mapping[str, Any]]:
    """The whole look."""
    stores = _filled()
    assert APP.experiments is not None
    looking = Looking(APP, APP.experiments, stores.app_postgres(APP), stores.postgres, lambda: NOW)

    def work() -> Mapping[str, Any]:
        looks = looking.run().looks
        return {"conversions": sum(one.sample.total for look in looks for one in look.results)}

    return work


def in_pandas() -> Callable[[], Mapping[str, Any]]:
    """Users and events of the metrics as frames, joined and counted there."""
    postgres = _filled().app_postgres(APP)

    def work() -> Mapping[str, Any]:
        users = pd.DataFrame(
            postgres.fetch(
                "select key, variant, user_id, first_exposed_at from experiments.assignments"
                " join experiments.experiments e on e.id = experiment_id where first_exposed_at < '2026-12-01'"
            )
        )
        events = pd.DataFrame(
            postgres.fetch(
                "select name, user_id, created_at from analytics.events where name in ('signup', 'client_error')"
            )
        )
        joined = users.merge(events, on="user_id")
        after = joined[joined["created_at"] >= joined["first_exposed_at"]]
        converted = after.drop_duplicates(["key", "name", "user_id"])
        users.groupby(["key", "variant"]).size()
        return {"conversions": int(converted.groupby(["key", "variant", "name"]).size().sum())}

    return work


def _filled() -> Stores:
    stores = dataset.stores("experiments")
    postgres = stores.app_postgres(APP)
    if not postgres.fetch(MADE)[0]["n"]:
        # The sample of a development database has experiments of its own.
        postgres.execute("truncate experiments.experiments, analytics.events cascade")
        sizes = {"days": DAYS, "events": EVENTS_A_DAY, "users": USERS, "experiments": EXPERIMENTS}
        statements = FILL
        for name, size in sizes.items():
            statements = statements.replace(f"{{{name}}}", str(size))
        postgres.execute(statements)
    return stores


if __name__ == "__main__":
    main()
