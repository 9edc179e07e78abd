"""Migrations on their way down and up again while everything else goes on, as rules of a state machine. No fixtures."""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from assets.apps.clearlift import APP as CLEARLIFT
from assets.apps.sesh import APP as SESH
from resources import migrations
from resources.migrations import State
from tests.filled import d1_rows, postgres_rows
from tests.operator.at_work import SHARE, Operator, at

DIES = st.none() | st.integers(1, 60)
# Commands that change no row, typed while migrations are missing.
MEANWHILE = (("quarantine", "list"), ("archive", "list"), ("migrate", "status"))


class MigrationRules:
    """Rules over every store with migrations. A subclass sets `operator`."""

    operator: Operator

    @rule(back=st.integers(1, 8), dies=DIES, dies_again=DIES, meanwhile=st.sampled_from(MEANWHILE), share=SHARE)
    def migrations_go_down_and_up(
        self,
        back: int,
        dies: int | None,
        dies_again: int | None,
        meanwhile: tuple[str, ...],
        share: float,
    ) -> None:
        """Down where that is admitted, killed perhaps; a command finds it so; up. Every row is as before."""
        stores = self.operator.terminal.stores
        migrated = {name: (applied, folder) for name, applied, folder in stores.migrated()}
        store = at(share, sorted(migrated))
        applied, folder = migrated[store]
        to = max(0, len(migrations.load(folder)) - back)
        before = self._rows()
        self.operator.type("migrate", "down", store, "--to", str(to), "--confirm", dies_at=dies)
        self.operator.until_good(*meanwhile)
        self.operator.type("migrate", "up", dies_at=dies_again)
        self.operator.until_good("migrate", "up")
        assert {status.state for status in migrations.status(applied, folder)} == {State.APPLIED}
        assert self._rows() == before, (self.operator.typed, store, to)

    def _rows(self) -> Mapping[str, Any]:
        """Every row of every store with migrations."""
        stores = self.operator.terminal.stores
        d1 = {app.name: d1_rows(stores.d1(app)) for app in (CLEARLIFT, SESH)}
        rows = postgres_rows(stores.postgres)
        rows.pop("health.requests", None)  # each command adds what it sent
        return {**rows, **d1}
