"""A small database of Growth: what is written to it, its state, and a restore that is compared. No fixtures here."""

import random
from contextlib import ExitStack

from assets.apps.growth import APP
from assets.apps.pipelines import REMEMBERED_OF_APPS
from assets.backups.manifest import Manifest
from assets.backups.method import Scope
from assets.backups.postgres_database import DatabaseSchema
from assets.backups.postgres_logical import PostgresLogical
from assets.backups.target import StoreName, Target
from resources.postgres import Postgres
from resources.postgres.row_checksum import RowChecksum
from resources.postgres.snapshot import snapshot
from tests.assets.backups.sets_of import sets
from tests.databases import database

STORE = StoreName("growth", "postgres")
SCHEMA = DatabaseSchema(
    "growth/postgres",
    subjects={entry.name: entry.subjects for entry in APP.personal if entry.store == "app_postgres"},
    kept=frozenset({"pipelines.stale_windows"}),
    remembered=frozenset({"pipelines.rate_limits", *REMEMBERED_OF_APPS}),
)
# What triggers write of each change of the live database, which a restore does not take back.
TRAIL = {"pipelines.audit_log": None, "sequences": None}
LEADS = """insert into marketing.leads (email, source)
select 'p' || gen_random_uuid() || '@e.example', 'referral' from generate_series(1, 5)"""
INTERACTIONS = """insert into marketing.lead_interactions (lead_id, kind, notes)
select id, 'note', E'a\\tb\\n\\\\c' from marketing.leads"""
SESSIONS = """insert into onboarding.sessions (session_token, lead_id)
select 'token ' || gen_random_uuid(), id from marketing.leads order by id limit 3"""
ACTIVITIES = """insert into onboarding.step_activities (session_id, step, kind)
select id, 'signup', 'entered' from onboarding.sessions"""
WINDOW = "insert into pipelines.stale_windows values ('day', now()) on conflict do nothing"
STATEMENTS = (
    LEADS,
    INTERACTIONS,
    SESSIONS,
    ACTIVITIES,
    WINDOW,
    "update marketing.leads set name = E'\\u00e9 ' || random() where id in (select id from marketing.leads limit 4)",
    "delete from marketing.leads where id in (select id from marketing.leads order by id limit 2)",
    "truncate onboarding.step_activities",
)


def fresh(server: str, stack: ExitStack) -> Postgres:
    """An empty database, for the length of the test."""
    return stack.enter_context(Postgres(stack.enter_context(database(server))))


def state(postgres: Postgres) -> dict[str, tuple[int, str]]:
    found = {}
    with snapshot(postgres) as now:
        for table in now.tables:
            checksum = RowChecksum()
            for _ in now.rows(table, checksum):
                pass
            found[table.name] = (checksum.rows, checksum.checksum)
        return {**found, "sequences": (len(now.sequences), str(now.sequences))}


def objects(postgres: Postgres) -> tuple[str, ...]:
    with snapshot(postgres) as now:
        return now.objects


def restored(
    method: PostgresLogical, target: Target, manifest: Manifest, place: Postgres, scope: Scope | None = None
) -> int:
    """Restore and compare; how many rows of erased people stayed away."""
    done = method.restore(target, method.chain(sets(method, target), manifest.until), place, scope or Scope())
    assert list(method.differences(place, done)) == []
    return done.erased


def work(live: Postgres, choose: random.Random, times: int = 6) -> None:
    for statement in choose.choices(STATEMENTS, k=times):
        live.execute(statement)
