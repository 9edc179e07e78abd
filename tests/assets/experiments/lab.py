"""Experiments of a test: definitions, users, their events, and looks at all of it."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from psycopg.types.json import Jsonb

from assets.apps.growth import APP
from assets.experiments.look import Looking, Looks
from assets.experiments.verdict import Look, Result
from resources.postgres import Postgres
from resources.r2 import FolderObjectStore
from tests.rooms import TestRooms

NOW = datetime(2026, 11, 29, 6, tzinfo=UTC)
STARTED = datetime(2026, 11, 1, tzinfo=UTC)
HALVES = (("control", 1, True), ("treatment", 1, False))
EXPERIMENTS = APP.experiments
assert EXPERIMENTS is not None


@dataclass
class Lab:
    """The app's database, ours, and a clock."""

    source: Postgres
    postgres: Postgres
    folder: Path
    now: datetime = NOW

    @property
    def rooms(self) -> TestRooms:
        return TestRooms(
            self.now,
            self.postgres,
            FolderObjectStore(self.folder / "r2"),
            app_postgreses={APP.name: self.source},
        )

    def define(self, key: str = "checkout", variants: Sequence[tuple[str, float, bool]] = HALVES, **more: Any) -> None:
        """An experiment that runs since the first of the month."""
        columns: dict[str, Any] = {
            "key": key,
            "name": f"Test of {key}",
            "status": "running",
            "variants": Jsonb([{"key": k, "weight": w, "is_control": c} for k, w, c in variants]),
            "primary_metric": "signup",
            "minimum_exposure": 100,
            "planned_total": 10_000,
            "started_at": STARTED,
            **more,
        }
        self.source.execute(
            f"insert into experiments.experiments ({', '.join(columns)}) values ({', '.join(['%s'] * len(columns))})",
            list(columns.values()),
        )

    def users(
        self,
        variant: str,
        users: int,
        converted: Mapping[str, int] | None = None,
        *,
        key: str = "checkout",
        at: datetime = STARTED + timedelta(days=1),
    ) -> None:
        """Users that saw a variant, the first of whom had an event of each metric an hour later."""
        self.source.execute(
            """
            with assigned as (
                insert into experiments.assignments
                    (experiment_id, user_id, variant, bucket, assigned_at, first_exposed_at)
                select e.id, gen_random_uuid(), %(variant)s, 0, %(at)s, %(at)s
                from experiments.experiments e, generate_series(1, %(users)s)
                where e.key = %(key)s
                returning user_id
            ), numbered as (
                select user_id, row_number() over () as number from assigned
            )
            insert into analytics.events (type, name, user_id, created_at)
            select 'conversion', m.metric, user_id, %(at)s::timestamptz + interval '1 hour'
            from numbered, unnest(%(metrics)s::text[], %(counts)s::bigint[]) as m (metric, n)
            where number <= m.n
            """,
            {
                "variant": variant,
                "at": at,
                "users": users,
                "key": key,
                "metrics": list(converted or {}),
                "counts": list((converted or {}).values()),
            },
        )

    def unit(
        self,
        variant: str,
        *,
        user: uuid.UUID | None = None,
        session: str | None = None,
        exposed: datetime | None = STARTED,
    ) -> None:
        """One user or session with a variant of the experiment."""
        self.source.execute(
            "insert into experiments.assignments"
            " (experiment_id, user_id, session_id, variant, bucket, assigned_at, first_exposed_at)"
            " select id, %s, %s, %s, 0, %s, %s from experiments.experiments where key = 'checkout'",
            (user, session, variant, STARTED, exposed),
        )

    def event(
        self,
        at: datetime,
        *,
        name: str = "signup",
        user: uuid.UUID | None = None,
        session: str | None = None,
        of: str | None = None,
    ) -> None:
        """One event. of: the experiment that it names."""
        self.source.execute(
            "insert into analytics.events (type, name, user_id, session_id, created_at, properties)"
            " values ('form', %s, %s, %s, %s, %s)",
            (name, user, session, at, Jsonb({"experiment": of} if of else {})),
        )

    def looked(self) -> Looks:
        """What a look finds now."""
        assert EXPERIMENTS is not None
        return Looking.of(self.rooms, APP, EXPERIMENTS).run()

    def look(self, key: str = "checkout") -> Look:
        (found,) = (look for look in self.looked().looks if look.experiment.key == key)
        return found

    def result(self, variant: str = "treatment", metric: str = "signup") -> Result:
        """What a look says of a variant of the only experiment."""
        return result(self.look(), variant, metric)

    def stored(self, table: str) -> list[dict[str, Any]]:
        return self.postgres.fetch(f"select * from experiments.{table} order by experiment, day")


def result(look: Look, variant: str = "treatment", metric: str = "signup") -> Result:
    (found,) = (one for one in look.results if (one.variant.key, one.metric.name) == (variant, metric))
    return found
