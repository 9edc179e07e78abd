"""A watch over the stores of a test, as the two sensors keep it: looks at a clock of its own, and alerts in a file."""

import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import Any

from dagster import (
    DagsterInstance,
    DagsterRunStatus,
    Definitions,
    RepositoryDefinition,
    SensorDefinition,
    build_sensor_context,
)
from dagster._core.definitions.sensor_definition import SensorExecutionData
from pydantic import SecretStr

from assets.health import sensors
from assets.health.ledger import OpenFinding
from assets.health.look import Look, Looked
from clearlift_pipelines.definitions import brought, build_defs, health_checks
from clearlift_pipelines.health import alerts_of, look_of
from clearlift_pipelines.settings import load
from clearlift_pipelines.stores import Stores
from tests.clearlift_pipelines.cli.terminal import Said, Terminal

TICK = timedelta(minutes=5)


@cache
def definitions() -> Definitions:
    """What the looks know of jobs, schedules and checks: the same for all stores, so that it is made once."""
    return build_defs(load())


class Watch:
    """Looks and tells at its own clock, which begins at the machine's; `later` moves it."""

    def __init__(self, terminal: Terminal, stores: Stores, instance: DagsterInstance) -> None:
        self.terminal = terminal
        self.instance = instance
        self.definitions = definitions()
        self.repository: RepositoryDefinition = self.definitions.get_repository_def()
        self.moved = timedelta(0)
        self._cursor = ""
        self._use(stores)
        self._log = terminal.folder / "alerts.log"

    def clock(self) -> datetime:
        return datetime.now(UTC) + self.moved

    def later(self, by: timedelta) -> None:
        self.moved += by

    def by_the_machine(self) -> list[OpenFinding]:
        """One look by the machine's clock, as of a daemon beside the watch; what is open then.

        Looks that were later do not count any more: an older look changes nothing of theirs.
        """
        self.moved = timedelta(0)
        self.stores.postgres.execute("update health.looks set looked_at = least(looked_at, now())")
        return list(self.engine.run().found)

    def set(self, threshold: str, value: float) -> None:
        """Choose a threshold."""
        chosen = self.stores.settings
        self.stores.settings = chosen.model_copy(update={"thresholds": {**chosen.thresholds, threshold: value}})

    def choose(self, **chosen: object) -> None:
        """Choose settings that decide what is looked at."""
        self.stores.settings = self.stores.settings.model_copy(update=chosen)
        self._use(self.stores)

    def alerts_to(self, url: str) -> None:
        """Choose the receiver."""
        self.stores.settings = self.stores.settings.model_copy(update={"alert_url": SecretStr(url)})

    def tell(self) -> None:
        """One tick of the sensor that tells, with the cursor of its last one."""
        _, sensor = self._sensors()
        with build_sensor_context(self.instance, cursor=self._cursor, repository_def=self.repository) as context:
            self._cursor = sensor.evaluate_tick(context).cursor or ""

    def evaluated(self, cursor: str) -> SensorExecutionData:
        """What one tick of the sensor that looks gives after this cursor."""
        sensor, _ = self._sensors()
        with build_sensor_context(self.instance, cursor=cursor, repository_def=self.repository) as context:
            return sensor.evaluate_tick(context)

    def _sensors(self) -> list[SensorDefinition]:
        return sensors.build(partial(look_of, self.stores, self.checks), partial(alerts_of, self.stores))

    @contextmanager
    def without_postgres(self) -> Iterator[None]:
        """Nobody answers where our Postgres is."""
        before = self.stores
        with self.terminal.monkeypatch.context() as patch:
            patch.setenv("CLEARLIFT_POSTGRES_DSN", "postgresql://me:hush@127.0.0.1:1/x?connect_timeout=2")
            self._use(Stores(load()))
            yield
            self.stores.close()
        self._use(before)

    def _use(self, stores: Stores) -> None:
        self.stores = stores
        stores.clock = self.clock
        self.checks = health_checks(brought(stores))

    @property
    def engine(self) -> Look:
        return look_of(self.stores, self.checks, self.instance, self.repository)

    def tick(self) -> list[OpenFinding]:
        """One tick of both sensors, five minutes after the last one; what is open then."""
        self.later(TICK)
        looked: Looked = self.engine.run()
        alerts = alerts_of(self.stores)
        assert alerts is not None
        if looked.recorded:
            alerts.run()
        return list(looked.found)

    def found(self, name: str, subject: str = "") -> OpenFinding:
        """The finding of a check (app/name), and of a subject that begins so: found within two ticks, told once."""
        for number in range(2):
            for one in self.tick():
                if f"{one.app}/{one.name}" == name and one.finding.subject.startswith(subject):
                    if number == 0 and one.finding.passes and not self.told(one):
                        continue  # what may pass by itself is told at the second look
                    assert self.told(one) == [one.finding.severity.value], "it is told once"
                    return one
        raise AssertionError(f"{name} {subject} was not found; open are {self.tick()}")

    def gone_after(self, one: OpenFinding, *typed: str) -> Said:
        """Run the very command that a finding prints: it goes well, the finding is gone within two ticks, once told."""
        program, *arguments = shlex.split(one.finding.command)
        assert program == "clearlift"
        said = self.terminal.clearlift(*arguments, *typed)
        assert said.code == 0, said
        self.gone(one)
        return said

    def gone(self, one: OpenFinding) -> None:
        """It is gone within two ticks, which is told once."""
        for _ in range(2):
            left = [found for found in self.tick() if found.what == one.what]
            if not left:
                assert self.told(one) == [one.finding.severity.value, "resolved"]
                return
        raise AssertionError(f"it is there still: {left}")

    def told(self, one: OpenFinding) -> list[str]:
        """The states of a finding that alerts named, in order."""
        lines = [line for alert in self.alerts for line in str(alert["body"]).splitlines()]
        return [line.split()[0].lower() for line in lines if line.partition(" ")[2].startswith(one.what)]

    @property
    def alerts(self) -> list[dict[str, Any]]:
        """Every alert that was sent."""
        return [json.loads(line) for line in self._log.read_text().splitlines()] if self._log.exists() else []


@contextmanager
def watching(terminal: Terminal) -> Iterator[Watch]:
    """A watch over the stores of a terminal."""
    terminal.monkeypatch.setenv("CLEARLIFT_ALERT_URL", f"file://{terminal.folder}/alerts.log")
    stores = Stores(load())
    try:
        with DagsterInstance.get() as instance:
            found = Watch(terminal, stores, instance)
            # A deployment in which nothing ever ran is a fault of its own.
            instance.create_run_for_job(
                found.definitions.resolve_job_def("pipelines_purge"), status=DagsterRunStatus.SUCCESS
            )
            yield found
    finally:
        stores.close()
