"""Restores of one store: people who were erased stay away, and the result is compared before it counts as one.

What belongs here: the order and the rules that hold for every store. What does not: how a store takes its rows (a
method), what several stores say of each other (agreement.py).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any

from assets.apps import App
from assets.backups.erased import erased
from assets.backups.manifest import Manifest
from assets.backups.method import Chain, Method, NotRestorableError, Restored, Scope
from assets.backups.parts import DamagedSetError
from assets.backups.sets import Sets, find
from assets.backups.target import Target, begun_at
from resources import disk
from resources.counts import counted, listed
from resources.declined import DeclinedError
from resources.postgres import Postgres

LIVE = "live"
SHOWN = 5  # things of an error
STAYING = 12  # tables and databases of a sentence


class DiffersError(DeclinedError):
    """What was restored is not what the set says. It is left as it is, to be looked at."""


class UnreadableError(DeclinedError):
    """Sets lie there, and not one of their manifests can be read: the key set is another one, or they are damaged."""


class PassedOverError(DeclinedError):
    """A set that is newer than what would come back cannot be restored, and nobody asked for an older state."""


class NotConfirmedError(DeclinedError):
    """The live store would be written to. Nothing was touched."""


@dataclass(frozen=True)
class Done:
    """A restore that was compared: the sets that it read, what came back, and how long it took. notes: what a person
    should know of the sets, a clause each.
    """

    chain: Chain
    restored: Restored
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Rows that were restored."""
        return sum(table.rows for table in self.restored.tables)

    @property
    def newest(self) -> Manifest:
        """The last set of the chain."""
        return self.chain[-1]


@dataclass(frozen=True)
class Restore:
    """Restores one store. apps: whose data it holds. postgres: ours, which knows who was erased; None where there is
    none yet.
    """

    target: Target
    method: Method[Any]
    apps: Sequence[App]
    postgres: Postgres | None

    def run(self, scope: Scope, into: str, *, confirmed: bool = False) -> Done:
        """Restore into the place that a person names, or over what is live.

        Raises:
            NotRestorableError: no set reaches the moment.
            UnreadableError: no set can be read at all.
            PassedOverError: a newer set cannot be read, and the scope names no moment.
            NotConfirmedError: the live store is meant, and nobody confirmed it.
            OccupiedError: the place holds something.
            DamagedSetError: a set is not what was written.
            DiffersError: the place does not hold what the set says.
        """
        if not into.strip():
            raise DeclinedError("no place is named to restore into", "name a new file, folder or database")
        sets = readable(find(self.target, self.method.store))
        chain = self.method.chain(sets, scope.at)
        notes = tuple(_notes(sets, chain, scope))
        if into == LIVE:
            if not confirmed:
                with self._next_step(sets, chain):
                    rows = self._rows(scope, chain)
                left = f"; {staying}" if (staying := self._staying(scope)) else ""
                raise NotConfirmedError(
                    f"this would write {_what(scope, chain)} ({rows}) over the live {self.method.store}{left}",
                    "the same with --confirm does it; with --into PLACE it is restored beside it",
                )
            live = self.method.live()
            # One that is lost, or new, is a place like any other.
            is_new = scope.whole and self.method.is_empty(live)
            with self._next_step(sets, chain):
                done = self.into(live, chain, replace(scope, live=not is_new))
            if not is_new and (staying := self._staying(scope)):
                done = replace(done, restored=replace(done.restored, notes=(*done.restored.notes, staying)))
            return replace(done, notes=notes)
        with self._next_step(sets, chain), _made(into):
            return replace(self.into(self.method.place(into), chain, scope), notes=notes)

    def _staying(self, scope: Scope) -> str:
        """What a restore over the live store leaves as it is, in words."""
        stays = self.method.stays() if scope.whole else ()
        verb = "stays as it is" if len(stays) == 1 else "stay as they are"
        return f"{listed(stays, STAYING)} {verb}" if stays else ""

    @contextmanager
    def _next_step(self, sets: Sets, chain: Chain) -> Iterator[None]:
        """Let the error of a damaged part name the newest set that can do without it."""
        try:
            yield
        except DamagedSetError as error:
            at = chain[-1].moment
            others = [m for m in sets.complete if m.moment != at and sets.is_restorable(m)]
            # The nearest older one, else the nearest newer one.
            for other in sorted(others, key=lambda m: (m.moment > at, abs(m.moment - at))):
                if error.key not in self._keys(sets.chain(other)):
                    which = "newest older" if other.moment < at else "oldest newer"
                    step = f"--at {other.moment.isoformat()} restores the {which} set that does not need it"
                    raise DamagedSetError(error.key, error.what, step) from None
            step = "put a copy of it back, because no other set is without it"
            raise DamagedSetError(error.key, error.what, step) from None

    def _keys(self, chain: Chain) -> set[str]:
        store = self.method.store
        return {self.target.key(store, part.set_id or one.id, part.name) for one in chain for part in one.parts}

    def _rows(self, scope: Scope, chain: Chain) -> str:
        """How many rows a restore over the live store would write: as the sets say, or of single tables and owners as
        they come back. Errors are those that the restore would end with, as far as they can be seen before it.
        """
        if scope.whole:
            # One that is lost, or new, is made as the set has it.
            is_new = self.method.is_empty(self.method.live())
            tables = chain[0].tables if is_new else self.method.preview(self.target, chain, scope)
            since = f", and what {counted(len(chain) - 1, 'set')} changed since" if len(chain) > 1 else ""
            return f"{counted(sum(t.rows for t in tables), 'row')} in {counted(len(tables), 'table')}{since}"
        with self._without_erased(scope, chain) as remaining:
            tables = self.method.preview(self.target, chain, replace(remaining, live=True))
        coming = [f"{table.name}: {counted(table.rows, 'row')}" for table in tables if table.rows]
        if scope.owners and not coming:
            raise NotRestorableError(
                "no row of these owners is in that set, or all of them are there as they were",
                "see that their ids are right",
            )
        return ", ".join(coming) or "no row, because all of them are there as they were"

    def into(self, place: Any, chain: Chain, scope: Scope) -> Done:
        """Restore a chain into an open place, and compare it. The errors are those of `run`."""
        began = monotonic()
        with self._without_erased(scope, chain) as remaining:
            restored = self.method.restore(self.target, chain, place, remaining)
        differences = list(self.method.differences(place, restored))
        if differences:
            more = f" (and {len(differences) - SHOWN} more)" if len(differences) > SHOWN else ""
            others = find(self.target, self.method.store).instead(but=chain[-1])
            raise DiffersError(
                f"{self.method.store} was restored and differs from its set: {'; '.join(differences[:SHOWN])}{more}",
                f"`clearlift backup verify {self.method.store}`; {others}",
            )
        return Done(chain, restored, monotonic() - began)

    @contextmanager
    def _without_erased(self, scope: Scope, chain: Chain) -> Iterator[Scope]:
        """A scope that leaves out who was erased; nobody further is erased while the block lasts."""
        moment = min(chain[-1].moment, scope.at) if isinstance(scope.at, datetime) else chain[-1].moment
        with erased(self.postgres, self.target, self.method.store, self.apps, moment) as people:
            yield replace(scope, erased=people.tombstones, remember=people.remember)


@contextmanager
def _made(into: str) -> Iterator[None]:
    """Say in one line where a place cannot be made, and leave no empty folder of a restore that failed."""
    place = Path(into)
    was_there = place.exists()
    try:
        yield
    except OSError as error:
        if not error.errno:  # an object that is not there
            raise
        raise disk.full(error) or DeclinedError(f"{into} cannot be made: {error.strerror}", "name another place") from (
            None
        )
    finally:
        if not was_there and place.is_dir():
            with suppress(OSError):  # it holds something
                place.rmdir()


def readable(sets: Sets) -> Sets:
    """The sets, if any of them can be read or none is there.

    Raises:
        UnreadableError: all that there are cannot be read.
    """
    if sets.damaged and not sets.complete:
        newest = sets.damaged[-1]
        why, wanted = "", ""
        if newest.key:
            why, wanted = ", because another key set sealed it", f", with {newest.key}"
        elif sets.foreign:
            why = ", because another key set sealed it, or all of them are damaged"
        raise UnreadableError(
            f"no backup of {sets.store} can be read{why}: {newest.reason}",
            f"bring back the key set that sealed it{wanted}; docs/recovery.md says how",
        )
    return sets


def _notes(sets: Sets, chain: Chain, scope: Scope) -> Iterator[str]:
    """What to say of the sets beside what came back; PassedOverError where that is an older state than was meant."""
    newest = chain[-1]
    damage = sets.passed_over(newest)
    if damage is not None and scope.at is None:
        raise PassedOverError(
            f"{sets.store} {damage.id} cannot be read: {damage.reason}; without it, {sets.store} comes back as of "
            f"{newest.moment:%Y-%m-%d %H:%M:%S} UTC",
            f"put a copy of it back, or take that older state by --at {newest.moment.isoformat()}",
        )
    if damage is not None and isinstance(scope.at, datetime) and begun_at(damage.id) <= scope.at:
        yield f"without {damage.id}, which cannot be read"
    if waiting := [one.id for one in chain if one.id not in sets.verified]:
        yield f"{waiting[-1]} was {'damaged when it was last read' if waiting[-1] in sets.faulty else 'never verified'}"


def _what(scope: Scope, chain: Chain) -> str:
    """What a restore would write, in words."""
    parts = [", ".join(scope.tables) or "all tables"]
    if scope.owners:
        parts.append(f"of {counted(len(scope.owners), 'owner')}")
    if isinstance(scope.at, str):
        return f"{' '.join(parts)} as of position {scope.at}"
    moment = min(scope.at or chain[-1].moment, chain[-1].moment)
    return f"{' '.join(parts)} as of {moment:%Y-%m-%d %H:%M:%S} UTC"
