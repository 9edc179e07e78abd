"""Backups of a D1: full sets as paged reads beside writers, made exact by the log, and the log as incrementals.

Any position of the log can be restored. A database over HTTP and an embedded one have the same format, so that either
is restored into the other. What does not belong here: the log itself (d1_log.py), a restore's steps (d1_state.py,
d1_place.py, d1_people.py).
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from assets.apps import App
from assets.backups import d1_people, d1_place
from assets.backups.d1_log import (
    LOG,
    NOT_BACKED_UP,
    Entry,
    Position,
    anchor,
    entries,
    install,
    is_ours,
    logged,
    position,
    prune,
)
from assets.backups.d1_state import LONG_ROWS, SCHEMA, SEQUENCES, State, Tally, built, counted, rows_file, schema_of
from assets.backups.manifest import Kind, Manifest, Table
from assets.backups.method import (
    At,
    Chain,
    Contents,
    FullNeededError,
    NotRestorableError,
    OccupiedError,
    Restored,
    Scope,
)
from assets.backups.obstacles import InTheWayError
from assets.backups.parts import Draft
from assets.backups.sets import Sets, find
from assets.backups.target import StoreName, Target
from resources import counts
from resources.d1 import D1, D1Error, EmbeddedD1
from resources.d1.images import is_too_long, values
from resources.d1.names import quoted
from resources.d1.pace import Pace
from resources.d1.pages import table_pages, wide_row
from resources.d1.schema import OBJECTS, Schema, TableShape
from resources.declined import DeclinedError
from resources.http import HttpError

ANCHOR = "anchor"
CONTINUES = "continues"
BOOKMARK = "bookmark"
ENTRIES = "entries"
ROUNDS = 20
SHOWN = 5  # names of an error
STORE = "d1"


class ChangingError(DeclinedError):
    """The database was changed while it was read in a way that no copy can follow. Nothing counts as a set."""

    retryable = True


@dataclass(frozen=True)
class _Wanted:
    """A built database of which the rows of some tables are wanted. tables: what there is of them. erased: rows of
    erased people that were left out.
    """

    state: State
    names: list[str]
    tables: tuple[Table, ...]
    erased: int


@dataclass(frozen=True)
class D1Backups:
    """The backups of an app's D1: a `Method`.

    d1: the database. clock: now. opened: opens the place that a person names, by default a SQLite file.
    """

    app: App
    d1: D1
    clock: Callable[[], datetime]
    opened: Callable[[str], D1] = field(default=lambda name: EmbeddedD1(Path(name)))
    pace: Pace = field(default_factory=Pace)

    @property
    def store(self) -> StoreName:
        """See Method.store."""
        return StoreName(self.app.name, STORE)

    def full(self, draft: Draft) -> Contents:
        """See Method.full."""
        install(self.d1, self.clock())
        start = position(self.d1)
        tables = logged(start.schema)
        draft.write(SCHEMA, start.schema.to_json())
        tally = Tally()
        for table in tables:
            with draft.file(rows_file(table.name), table.name) as write:
                for lines in table_pages(self.d1.query, table):
                    tally.add(table.name, lines)
                    write(b"\n".join(lines) + b"\n")
        # The log of the time between the last set and this one comes too, so that no moment of it is lost.
        before = find(draft.target, self.store).newest_good
        if before and self._broken(before, start):
            before = None
        end, changes = self._log(draft, int(before.until) if before else start.end)
        if end.schema.sha256 != start.schema.sha256:
            raise ChangingError(f"the schema of {self.store} changed while it was read", "run the backup again")
        return Contents(
            Kind.FULL,
            str(end.end),
            end.moment,
            since=before.until if before else None,
            schema=end.schema.sha256,
            tables=tally.tables([table.name for table in tables]),
            facts={**self._facts(end), ENTRIES: str(changes.total()), **({CONTINUES: before.id} if before else {})},
        )

    def incremental(self, draft: Draft, base: Manifest) -> Contents:
        """See Method.incremental. The base is verified, so the log up to its end is deleted."""
        install(self.d1, self.clock())
        self._check_continues(draft.target, base, position(self.d1))
        prune(self.d1, int(base.until), self.pace)
        end, changes = self._log(draft, int(base.until))
        self._check_continues(draft.target, base, end)
        return Contents(
            Kind.INCREMENTAL,
            str(end.end),
            end.moment,
            base=base.id,
            since=base.until,
            schema=end.schema.sha256,
            facts={**self._facts(end), ENTRIES: str(changes.total())},
        )

    def chain(self, sets: Sets, at: At | None) -> Chain:
        """See Method.chain. A position is an id of the log; where several histories have it, the newest counts."""
        if at is None:
            return sets.at_or_before(None)
        if isinstance(at, str) and not at.isdecimal():
            raise NotRestorableError(f"{at!r} is no position of {self.store}", "give a time, or an id of the log")
        if isinstance(at, datetime) and sets.complete and at > sets.complete[-1].moment:
            return sets.chain(sets.complete[-1])
        wanted = at if isinstance(at, datetime) else int(at)
        for last in reversed(sets.complete):
            if _end(last, at) == wanted:
                return sets.chain(last)
            before = sets.get(last.base or last.facts.get(CONTINUES, ""))
            if before and _end(before, at) <= wanted < _end(last, at):
                return (*sets.chain(before), last)
        raise NotRestorableError(
            f"no backup of {self.store} holds {at}", sets.instead(at if isinstance(at, datetime) else None)
        )

    def stays(self) -> Sequence[str]:
        """See `Method.stays`: nothing."""
        return ()

    def live(self) -> D1:
        """See Method.live."""
        return self.d1

    def place(self, name: str) -> D1:
        """See Method.place: the path of a SQLite file, which must not exist."""
        if Path(name).is_dir():
            raise OccupiedError(f"{name} is a folder", "name a SQLite file that is not there yet")
        return self.opened(name)

    @contextmanager
    def scratch(self, folder: Path) -> Iterator[D1]:
        """See Method.scratch: a SQLite file."""
        with closing(EmbeddedD1(folder / "d1.sqlite")) as place:
            yield place

    def is_empty(self, place: D1) -> bool:
        """See Method.is_empty."""
        return d1_place.is_empty(place)

    def preview(self, target: Target, chain: Chain, scope: Scope) -> tuple[Table, ...]:
        """See Method.preview."""
        if scope.whole:
            d1_place.require_schema(schema_of(target, chain[0]).without(is_ours), self.d1)
            return chain[0].tables
        with self._wanted(target, chain, scope) as wanted:
            self._require_room(wanted, self.d1, scope)
            return wanted.tables

    def restore(self, target: Target, chain: Chain, place: D1, scope: Scope) -> Restored:
        """See Method.restore."""
        with self._wanted(target, chain, scope) as wanted:
            scratch, names = wanted.state.scratch, wanted.names
            # SQLite lets some statements make such rows, and D1 takes none of them from outside.
            dangling = len(scratch.query("select 1 as one from pragma_foreign_key_check")) if scope.whole else 0
            try:
                if not scope.live:
                    if scope.tables:
                        scratch.empty(set(scratch.schema.tables) - set(names))
                    if not d1_place.holds(scratch, place):
                        d1_place.put_into_empty(scratch, place)
                elif scope.whole:
                    d1_place.put_over_live(scratch, place)
                else:
                    d1_place.put_beside(scratch, place, names)
            except D1Error as error:
                if scope.live and not scope.whole and "constraint failed" in error.message:
                    self._require_room(wanted, place, scope)
                    reason = f"the live {self.store} does not take these rows: {error.message}"
                    raise DeclinedError(reason, d1_place.BESIDE) from None
                if not dangling or "FOREIGN KEY" not in error.message:
                    raise
                reason = f"{dangling} of the rows refer to a row that is not there, which D1 refuses"
                raise DeclinedError(reason, d1_place.FILE) from None
            return Restored(
                str(wanted.state.until),
                wanted.state.moment,
                wanted.tables,
                wanted.erased,
                whole=scope.whole,
                beside=scope.live and not scope.whole,
                dangling=dangling,
            )

    @contextmanager
    def _wanted(self, target: Target, chain: Chain, scope: Scope) -> Iterator[_Wanted]:
        """The database as it was, with the rows that a scope wants.

        Raises:
            DeclinedError: it has no such table, or nothing of an owner.
        """
        # Whose rows are of an owner, and what goes with an erased person, is seen over all tables.
        of_all = not scope.tables or scope.owners or scope.erased.hashes
        with built(target, chain, scope.at, lambda name: bool(of_all) or name in scope.tables) as state:
            scratch, tables = state.scratch, state.scratch.schema.tables
            held = tables.keys() - NOT_BACKED_UP
            if unknown := sorted(set(scope.tables) - held):
                raise DeclinedError(
                    f"no table {', '.join(unknown)} in that set", f"name some of {', '.join(sorted(held))}"
                )
            scratch.add_indexes()
            erased = d1_people.leave_out_erased(scratch, self.app, scope.erased, target.keyring)
            if scope.owners:
                d1_people.keep_only(scratch, self.app, scope.owners)
            names = [name for name in tables if name not in NOT_BACKED_UP and name in (scope.tables or tables)]
            totals = state.tables
            if erased or scope.owners:
                totals = counted(scratch.query, [tables[name] for name in names])
            yield _Wanted(state, names, tuple(table for table in totals if table.name in names), erased)

    def _require_room(self, wanted: _Wanted, place: D1, scope: Scope) -> None:
        """See that a database takes rows beside those that it has; InTheWayError says what is in the way."""
        if found := d1_place.obstacles(wanted.state.scratch, place, wanted.names):
            raise InTheWayError(str(self.store), found, of_owners=bool(scope.owners))

    def differences(self, place: D1, restored: Restored) -> Iterator[str]:
        """See Method.differences."""
        schema = Schema.of(place.query(OBJECTS))
        yield from _damage(place)
        if restored.whole:
            (row,) = place.query("select count(*) as n from pragma_foreign_key_check")
            if row["n"] > restored.dangling:
                yield f"{row['n']} rows refer to a row that is not there, and {restored.dangling} did when backed up"
        for name in schema.indexes_of_text:
            try:
                place.execute(
                    f"insert into {quoted(name)} ({quoted(name)}, rank) values ('integrity-check', 1)", idempotent=True
                )
            except D1Error:
                yield f"the full-text index {name} is not that of its table"
        if restored.beside:
            return
        for table in restored.tables:
            (found,) = counted(place.query, [schema.tables[table.name]]) if table.name in schema.tables else (None,)
            if found is None:
                yield f"table {table.name} is missing"
            elif found != table:
                yield (
                    f"table {table.name} has {found.rows} rows, and {table.rows} were backed up"
                    if (found.rows != table.rows)
                    else f"table {table.name} has other values than were backed up"
                )

    def _log(self, draft: Draft, since: int) -> tuple[Position, Counter[str]]:
        """Write the log after `since`, and the rows that were too long for it; where it ended, and changes by table."""
        shapes: Mapping[str, TableShape] = {}
        changes: Counter[str] = Counter()
        long_rows: dict[tuple[str, bytes], int] = {}
        current: dict[tuple[str, bytes], bytes | None] = {}
        with draft.file(LOG) as write:
            for _ in range(ROUNDS):
                end = position(self.d1)
                shapes = shapes or end.schema.tables
                for lines in entries(self.d1, since, end.end):
                    for entry in map(Entry.parse, lines):
                        row = entry.table, entry.key
                        changes[entry.table] += 1
                        long_rows.pop(row, None)
                        current.pop(row, None)
                        if entry.image is not None and is_too_long(entry.image):
                            long_rows[row] = entry.id
                    write(b"\n".join(lines) + b"\n")
                since = max(since, end.end)
                if long_rows.keys() == current.keys():
                    break
                # A row that is too long is read from its table. It is right unless an entry follows, which is looked
                # for once more.
                for table, key in long_rows.keys() - current.keys():
                    current[table, key] = wide_row(self.d1.query, shapes[table], values(b"[" + key + b"]")[0])
            else:
                raise ChangingError(f"rows of {self.store} change faster than they can be read", "run the backup again")
        images = (b"%d\t%s\n" % (long_rows[row], image) for row, image in current.items() if image is not None)
        draft.write(LONG_ROWS, b"".join(images))
        return end, changes

    def _facts(self, end: Position) -> dict[str, str]:
        facts = {SEQUENCES: json.dumps(end.sequences), ANCHOR: end.anchor}
        if not isinstance(self.d1, EmbeddedD1):
            # Without Time Travel there is still a backup.
            with suppress(D1Error, HttpError):
                facts[BOOKMARK] = self.d1.bookmark()
        return facts

    def _check_continues(self, target: Target, base: Manifest, now: Position) -> None:
        if reason := self._broken(base, now):
            if now.schema.sha256 != base.schema:
                reason += f": {self._changed(target, base, now.schema)}"
            raise FullNeededError(reason, f"`clearlift backup run {self.store} --full`")

    def _changed(self, target: Target, base: Manifest, now: Schema) -> str:
        """What of the schema is other than in a set, in words."""
        full = find(target, self.store).chain(base)[0]
        before = schema_of(target, full)
        differing = set(before.objects) ^ set(now.objects)
        names = sorted({o.name for o in differing if not is_ours(o)})
        return counts.listed(names, SHOWN) if names else "triggers of the log were made again"

    def _broken(self, base: Manifest, now: Position) -> str:
        """Why the log does not continue what a set holds; empty where it does."""
        since = int(base.until)
        if now.schema.sha256 != base.schema:
            return f"the schema of {self.store} changed since {base.id}"
        if now.end < since or (since and anchor(self.d1, since) != base.facts.get(ANCHOR)):
            return f"the log of {self.store} does not continue that of {base.id}: it was set back or deleted"
        if not since and now.first not in (None, 1):
            return f"the log of {self.store} does not reach back to {base.id}"
        return ""


def _end(manifest: Manifest, at: At) -> Any:
    """Up to where a set reaches, as a time or a position, to compare with `at`."""
    return manifest.moment if isinstance(at, datetime) else int(manifest.until)


def _damage(place: D1) -> Iterator[str]:
    """What SQLite's own check finds: all of it in a file, what D1 allows elsewhere."""
    if isinstance(place, EmbeddedD1):
        place.close()
        with closing(sqlite3.connect(place.path)) as file:
            found = [row[0] for row in file.execute("pragma integrity_check(5)")]
    else:
        found = [row["quick_check"] for row in place.query("pragma quick_check(5)")]
    if found != ["ok"]:
        yield f"the database is damaged: {counts.counted(len(found), 'finding')} of SQLite's check"
