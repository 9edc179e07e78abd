"""What an operator, the weather and the calendar do to archives, as rules of a state machine. No fixtures."""

import gzip
import hashlib
import json
import shutil
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from assets.apps.sesh import APP as SESH
from resources.r2 import FolderObjectStore
from tests.operator.archived_tables import Changes, Restatements, Table
from tests.operator.at_work import SHARE, Operator, at

QUARTER = "2023Q1"
DIES = st.none() | st.integers(1, 70)
WHICH = st.integers(0, 1)
DAMAGE = st.tuples(SHARE, SHARE, st.sampled_from(["gone", "cut", "flipped"]))
FLAGS = st.lists(st.sampled_from(["--dry-run", "--accept-loss", "copies"]), unique=True)


class ArchiveRules:
    """Rules over two tables. A subclass sets `operator`, whose terminal has migrated stores, and begins with
    `quarters_are_archived`.
    """

    operator: Operator

    def quarters_are_archived(self, copied: bool, old: bool, damage: Sequence[tuple[float, float, str]]) -> None:
        """Five rows in each table, archived twice; perhaps copied, gone or damaged, so that every example has some."""
        stores = self.operator.terminal.stores
        store = stores.object_store
        assert isinstance(store, FolderObjectStore)
        self.store = store
        self.backup = self.operator.terminal.folder / "backup"
        for folder in (store.path / "archive", self.backup):
            shutil.rmtree(folder, ignore_errors=True)
        self.backup.mkdir()
        self.tables: list[Table] = [Restatements(stores.postgres), Changes(stores.d1(SESH))]
        for table in self.tables:
            table.clear()
        # The newest version of each row that ever was, and those of which it is gone: the last object was damaged, or
        # the operator gave up the object that held it.
        self.rows: dict[str, dict[int, str]] = defaultdict(dict)
        self.gone: dict[str, set[int]] = defaultdict(set)
        self.arrived = self.changed = 0
        for which in (0, 1):
            self.rows_arrive(which, 4)
            self.a_quarter_is_archived(which, None)
            self.rows_arrive(which, 1)
            self.a_quarter_is_archived(which, None)
            if copied:
                self.objects_are_copied()
            if old:
                self._prune(which, None)
        for one in damage:
            self.an_object_is_damaged(one)

    @rule(which=WHICH, rows=st.integers(1, 3))
    def rows_arrive(self, which: int, rows: int) -> None:
        for _ in range(rows):
            self.arrived += 1
            self.tables[which].arrive(self.arrived)
            self.rows[self.tables[which].name][self.arrived] = "0"

    @rule(which=WHICH, share=SHARE)
    def a_row_changes(self, which: int, share: float) -> None:
        table = self.tables[which]
        # A row whose newest version is gone may come back in an older one, which is not followed any further.
        if known := sorted(table.live().keys() - self.gone[table.name]):
            self.changed += 1
            row, version = at(share, known), str(self.changed)
            table.change(row, version)
            self.rows[table.name][row] = version

    @rule()
    def objects_are_copied(self) -> None:
        """What is there goes to the backup. What the backup has stays, because no name is ever written twice."""
        for path in (self.store.path / "archive").rglob("*"):
            copy = self.backup / path.relative_to(self.store.path)
            if path.is_file() and not copy.exists():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)

    @rule(damage=DAMAGE)
    def an_object_is_damaged(self, damage: tuple[float, float, str]) -> None:
        which, where, how = damage
        paths = sorted(path for path in (self.store.path / "archive").rglob("*") if path.is_file())
        if not paths:
            return
        path = at(which, paths)
        data = path.read_bytes()
        if how == "gone" or not data:
            path.unlink()
        else:
            place = at(where, range(len(data)))
            path.write_bytes(data[:place] + (bytes([data[place] ^ 1]) + data[place + 1 :] if how == "flipped" else b""))
        for table in self.tables:
            self.gone[table.name] |= self._lost(table)

    @rule(which=WHICH, dies_at=DIES)
    def a_quarter_is_archived(self, which: int, dies_at: int | None) -> None:
        self._type(which, "run", dies_at=dies_at)

    @rule(which=WHICH, copied=st.booleans())
    def a_night_passes(self, which: int, copied: bool) -> None:
        """What the schedules do: rows are archived, copied perhaps, and go."""
        self.a_quarter_is_archived(which, None)
        if copied:
            self.objects_are_copied()
        self._prune(which, None)

    @rule(which=WHICH, dies_at=DIES, flags=FLAGS)
    def a_quarter_is_repaired(self, which: int, dies_at: int | None, flags: list[str]) -> None:
        words = [word for flag in flags for word in (["--from", str(self.backup)] if flag == "copies" else [flag])]
        self._type(which, "repair", *words, dies_at=dies_at)

    @rule(which=WHICH, dies_at=DIES, into=st.sampled_from(["side", "live"]))
    def a_quarter_is_restored(self, which: int, dies_at: int | None, into: str) -> None:
        self._type(which, "restore", "--into", into, dies_at=dies_at)

    @rule(which=WHICH)
    def a_quarter_is_verified(self, which: int) -> None:
        self._type(which, "verify")

    @rule(
        which=WHICH,
        came=st.integers(0, 4),
        changed=st.none() | SHARE,
        dies_at=DIES,
    )
    def old_rows_go(self, which: int, came: int, changed: float | None, dies_at: int | None) -> None:
        """Also those that came or changed since the quarter was archived, which must stay."""
        self.rows_arrive(which, came)
        if changed is not None:
            self.a_row_changes(which, changed)
        self._prune(which, dies_at)

    def archive_command_ended(self) -> None:
        self.no_row_is_lost()
        if "--accept-loss" in self.operator.typed:
            for table in self.tables:
                self.gone[table.name] |= self._lost(table, self.store.path)

    @invariant()
    def no_row_is_lost(self) -> None:
        """Each row's newest version is live, or in a whole object of the archive or in a copy of one."""
        for table in getattr(self, "tables", []):
            lost = self._lost(table) - self.gone[table.name]
            assert not lost, (table.name, lost, self.operator.typed, self.operator.said)

    def archives_leave(self) -> None:
        """At the end: commands that messages name make every command go well, and every row is there, once."""
        for table in self.tables:
            rows = self.rows[table.name]
            if not rows:
                continue
            self.operator.until_good("archive", "run", table.app, table.name, QUARTER)
            self.operator.until_good("archive", "verify", table.app, table.name, QUARTER)
            self.operator.until_good("retention", "run", "--app", table.app, "--table", table.name)
            assert table.live() == {}, "all of it is old, and archived"
            self.operator.until_good("archive", "restore", table.app, table.name, QUARTER, "--into", "live")
            live = table.live()
            expected = {row: version for row, version in rows.items() if row not in self.gone[table.name]}
            assert {row: live.get(row) for row in expected} == expected
            assert live.keys() <= rows.keys()
            assert table.aside().keys() <= rows.keys()

    def _type(self, which: int, action: str, *words: str, dies_at: int | None = None) -> None:
        table = self.tables[which]
        self.operator.type("archive", action, table.app, table.name, QUARTER, *words, dies_at=dies_at)

    def _prune(self, which: int, dies_at: int | None) -> None:
        table = self.tables[which]
        self.operator.type("retention", "run", "--app", table.app, "--table", table.name, dies_at=dies_at)

    def _lost(self, table: Table, *folders: Path) -> set[int]:
        held = {*table.live().items(), *self._archived(table, folders or (self.store.path, self.backup))}
        return {row for row, version in self.rows[table.name].items() if (row, version) not in held}

    def _archived(self, table: Table, folders: Iterable[Path]) -> Iterable[tuple[int, str]]:
        """Rows in parts that are whole."""
        for folder in folders:
            for path in (folder / "archive" / table.app / table.name).rglob("part-*"):
                yield from (table.version(line) for line in _lines(path))


def _lines(path: Path) -> Iterable[Mapping[str, Any]]:
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest()[:40] not in path.name:
        return []
    return [json.loads(line) for line in gzip.decompress(data).splitlines()]
