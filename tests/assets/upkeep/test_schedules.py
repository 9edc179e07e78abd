"""Writers, compaction, expiry, manifests, sweep and deletes by user at one table, interleaved by seed.

After each schedule the table holds exactly the rows that were written and not deleted, and all its files.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from pathlib import Path

import polars as pl
import pytest
from pyiceberg.exceptions import CommitFailedException, ValidationException
from pyiceberg.expressions import EqualTo, Reference
from pyiceberg.expressions.literals import literal

from resources.lake import PartitionKey, SourcesGoneError, commit
from resources.lake.sweep import survey
from tests.assets.upkeep.interleaving import Actor, Interleaving
from tests.assets.upkeep.memory_lake import DAYS, ORGS, MemoryLake, memory_lake, now

CHAPTERS = 2
SCHEDULES = 20
SOAK_CHAPTERS = 100
SOAK_SCHEDULES = 100
VISITORS = 6
# pyiceberg's way to say that a visitor had no row yet.
pytestmark = pytest.mark.filterwarnings("ignore:Delete operation did not match any records")
LOST = (CommitFailedException, ValidationException, SourcesGoneError)


class Chapter:
    """One table through many schedules. A visitor who was deleted is never written again."""

    def __init__(self, interleaving: Interleaving, side: MemoryLake) -> None:
        self.interleaving = interleaving
        self.side = side
        self.expected: list[tuple[str, str]] = []
        self.visitors = [f"visitor-{n}" for n in range(VISITORS)]
        self.deleted: set[str] = set()

    def play(self, seed: int) -> None:
        """One schedule: some of the actors, at random."""
        chance, began = self.interleaving.chance, now()
        chance.seed(seed)
        leaving = chance.choice(self.visitors)
        staying = [v for v in self.visitors if v != leaving]
        writers: dict[str, Callable[[pl.DataFrame], None]] = {"ours": self.side.append, "another": self._append_freely}
        actors: dict[str, Actor] = {}
        for name, write in writers.items():
            batches = [
                self.side.visits(*chance.choices(staying, k=3), org=chance.choice(ORGS), day=chance.choice(DAYS))
                for _ in range(chance.randint(0, 2))
            ]
            actors[name] = partial(_each, write, batches)
            self.expected += [row for rows in batches for row in rows.select("visit", "visitor").iter_rows()]
        delete = chance.choice([None, self._delete_freely, self._delete_by_replacing])
        if delete is not None:
            actors["delete"] = lambda: delete(leaving)
            self.expected = [row for row in self.expected if row[1] != leaving]
            self.visitors[self.visitors.index(leaving)] = f"{leaving}+"
            self.deleted.add(leaving)
        upkeep: dict[str, Actor] = {
            "compact": lambda: _again(self.side.compact),
            "expire": lambda: _again(lambda: self.side.expire(began)),
            "manifests": lambda: _again(self.side.rewrite_manifests),
            "sweep": lambda: _again(lambda: self.side.sweep(began)),
        }
        chosen = chance.sample(sorted(upkeep), chance.randint(1, 4))
        actors |= {name: upkeep[name] for name in chosen}
        self.interleaving.play(seed, actors)
        rows = self.side.rows()
        assert rows == sorted(self.expected), self.interleaving.schedule
        assert not self.deleted & {visitor for _, visitor in rows}

    def ended(self) -> None:
        """Nothing that the table names is gone, and nothing else is left for good."""
        self.side.expire(now())
        self.side.sweep(end := now())
        left = self.side.survey(end)
        assert left.missing == ()
        assert left.old == ()
        assert self.side.rows() == sorted(self.expected)

    def _append_freely(self, rows: pl.DataFrame) -> None:
        arrow = rows.to_arrow().cast(self.side.table.spec.arrow_schema())
        _again(lambda: self.side.table.load().append(arrow))

    def _delete_freely(self, visitor: str) -> None:
        _again(lambda: self.side.table.load().delete(EqualTo(term=Reference("visitor"), value=literal(visitor))))

    def _delete_by_replacing(self, visitor: str) -> None:
        def replace() -> None:
            live = self.side.table.files()
            old, new = [], []
            for info in live:
                rows = self.side.table.read([info]).collect()
                left = rows.filter(pl.col("visitor") != visitor)
                if left.height < rows.height:
                    old.append(info.file)
                    if left.height:
                        new += self.side.table.write([(PartitionKey.of(info.file), left)])
            if old:
                self.side.table.replace(old, new, f"without {visitor} {len(self.interleaving.schedule)}")

        _again(replace)


def _each(write: Callable[[pl.DataFrame], None], batches: Iterable[pl.DataFrame]) -> None:
    for rows in batches:
        write(rows)


def _again(act: Callable[[], object]) -> None:
    """Act again for as long as another writer is faster."""
    while True:
        try:
            act()
        except LOST:
            continue
        return


def _play(folder: Path, chapter: int, schedules: int) -> None:
    interleaving = Interleaving()
    with memory_lake(folder, interleaving.lock) as side:
        played = Chapter(interleaving, side)
        for number in range(schedules):
            played.play(chapter * 1_000 + number)
        played.ended()


@pytest.mark.parametrize("chapter", range(CHAPTERS))
def test_every_schedule_ends_with_exactly_the_rows(tmp_path: Path, chapter: int) -> None:
    _play(tmp_path, chapter, SCHEDULES)


def test_a_sweep_that_gives_no_grace_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MemoryLake, "survey", lambda side, _before: survey(side.table, now() + timedelta(days=1)))
    with pytest.raises((AssertionError, FileNotFoundError)):
        _play(tmp_path, 0, SCHEDULES)


def test_a_replacement_that_does_not_look_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commit._ReplaceFiles, "_validate_required_deletes", lambda *_: None)
    with pytest.raises((AssertionError, FileNotFoundError)):
        _play(tmp_path, 0, SCHEDULES)


@pytest.mark.soak
@pytest.mark.parametrize("chapter", range(SOAK_CHAPTERS))
def test_every_one_of_ten_thousand_schedules_does(tmp_path: Path, chapter: int) -> None:
    _play(tmp_path, 1_000 + chapter, SOAK_SCHEDULES)
