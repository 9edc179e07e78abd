"""Our ingest and compaction beside another engine, in schedules that a seed chooses, and what must be in the lake.

The other engine appends, deletes rows in three ways, adds and renames columns, expires snapshots and rolls back. What
must be there follows from a model in plain Python. No fixtures here.
"""

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import combinations, count, product

import polars as pl
from pyiceberg.expressions import And, EqualTo, Reference
from pyiceberg.expressions.literals import literal
from pyiceberg.types import StringType

from assets.compaction.rewrite import Compaction
from assets.events.validation import Admission, sift
from tests.assets.event_pipeline import EARLIEST, INGEST_DEATHS, MERGE_ALL, NOW, Pipeline, dying_after, line
from tests.resources.lake.foreign import add_column, expire, rename_column, roll_back
from tests.resources.lake.row_deletes import delete_equal, delete_rows

MORE = "kept_by_them"
TITLES = ("page_title", "headline", "caption")
DAY = "2025-10-10T08:{:02}:{:02}Z"


# How often each is drawn, beside the others.
ACTIONS = {
    "land": 4,
    "ingest": 4,
    "compact": 2,
    "append": 3,
    "delete_by_copy": 1,
    "delete_by_position": 2,
    "delete_by_value": 1,
    "change_columns": 1,
    "expire": 1,
    "roll_back": 2,
}


def drawn(chance: random.Random, steps: int) -> list[str]:
    """The actions of a schedule."""
    return chance.choices(list(ACTIONS), list(ACTIONS.values()), k=steps)


def with_each_pair(steps: int) -> Iterator[int]:
    """Seeds, from 0 on, whose schedules together have each action after each action."""
    left = set(product(ACTIONS, repeat=2))
    for seed in count():
        if not left:
            return
        if brought := left & set(combinations(drawn(random.Random(seed), steps), 2)):
            left -= brought
            yield seed


@dataclass
class Batch:
    """Events that landed together, and the snapshot that the run which took them stands on."""

    ids: list[str]
    taken_at: int | None = None


@dataclass
class Schedule:
    """One organisation's history. `live`: its events and what the other engine wrote beside them.

    `states`: the same after each commit that is part of the table, whether its snapshot is kept or not, oldest first.
    """

    pipeline: Pipeline
    seed: int
    steps: int
    live: dict[str, str | None] = field(default_factory=dict)
    batches: list[Batch] = field(default_factory=list)
    states: dict[int, dict[str, str | None]] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.org = f"org{self.seed}"
        self.number = 0
        self.rolled_back = False
        self.doubled: set[str] = set()

    def play(self) -> None:
        """Every step, then the end: what is left is ingested, all is merged, and the lake holds what it must."""
        self.pipeline.orgs[self.org] = True
        self._note()
        for action in drawn(self.chance, self.steps):
            self.said.append(action)
            getattr(self, action)()
            if action != "land":  # which commits nothing
                self._note()
        self.ingest(dies=False)
        self.compact(dies=False)
        self.check()

    def land(self) -> None:
        ids = [self._new("ours") for _ in range(self.chance.randint(1, 3))]
        known = [i for batch in self.batches for i in batch.ids] + list(self.live)
        if known and self.chance.random() < 0.5:
            ids.append(self.chance.choice(known))
        self.batches.append(Batch(ids))
        self.pipeline.land(*(self._line(i) for i in ids))

    def ingest(self, *, dies: bool = True) -> None:
        point = self.chance.choice(INGEST_DEATHS) if dies and self.chance.random() < 0.3 else None
        pending = [batch for batch in self.batches if not self._is_taken(batch)]
        lived = self.pipeline.ingest(dies=point) is not None
        if pending and (lived or point in ("lake commit", "ledger commit")):
            for batch in pending:
                self.live |= {i: None for i in batch.ids if i not in self.live}
            self._note()
            for batch in pending:
                batch.taken_at = next(reversed(self.states), None)
        self.rolled_back = self.rolled_back and not lived

    def compact(self, *, dies: bool = True) -> None:
        point = self.chance.choice(("rewrite", "replace")) if dies and self.chance.random() < 0.3 else None
        with dying_after(point) if point else nullcontext():
            Compaction(self.pipeline.table, MERGE_ALL).run(org=self.org)

    def append(self) -> None:
        """Rows of the other engine, with its own column; now and then one that doubles an event of ours."""
        table = self.pipeline.table
        layout = table.layout
        ids = [self._new("theirs") for _ in range(self.chance.randint(1, 2))]
        single = sorted(i for i in self.live if "ours" in i)
        if single and self.chance.random() < 0.3:
            ids.append(self.chance.choice(single))
            self.doubled.add(ids[-1])
        admission = Admission({self.org: True}, EARLIEST, NOW)
        rows = sift(b"\n".join(map(self._line, ids)), admission).frame()
        rows = rows.rename({name: layout.live_names[name] for name in rows.columns})
        if MORE in layout.schema:
            rows = rows.with_columns(pl.Series(MORE, [f"beside {i}" if "theirs" in i else None for i in ids]))
        live = table.load()
        live.append(rows.select(live.schema().column_names).to_arrow().cast(live.schema().as_arrow()))
        for i in ids:
            self.live.setdefault(i, f"beside {i}" if MORE in layout.schema else None)

    def delete_by_copy(self) -> None:
        if self.live and not self._has_equality_deletes():
            gone = self.chance.choice(sorted(self.live))
            names = self.pipeline.table.layout.live_names
            of = [(names["org_tag"], self.org), (names["event_id"], gone)]
            self.pipeline.table.load().delete(
                And(*(EqualTo(term=Reference(name), value=literal(to)) for name, to in of))
            )
            del self.live[gone]

    def delete_by_position(self) -> None:
        files = [info for info in self.pipeline.table.files(tenants=[self.org]) if not info.has_deletes]
        if files:
            file = self.chance.choice(sorted(files, key=lambda info: info.path)).file
            held = self.pipeline.table.read([file]).collect()["event_id"].to_list()
            if gone := [at for at, i in enumerate(held) if i not in self.doubled]:
                at = self.chance.choice(gone)
                delete_rows(self.pipeline.table, file, at)
                del self.live[held[at]]

    def delete_by_value(self) -> None:
        files = self.pipeline.table.files(tenants=[self.org])
        if files and self.live:
            gone = self.chance.choice(sorted(self.live))
            delete_equal(self.pipeline.table, files[0].file, pl.DataFrame({"event_id": [gone]}))
            del self.live[gone]

    def change_columns(self) -> None:
        table = self.pipeline.table
        if MORE not in table.layout.schema:
            add_column(table, MORE, StringType())
        else:
            name = table.layout.live_names["page_title"]
            rename_column(table, name, TITLES[(TITLES.index(name) + 1) % len(TITLES)])

    def expire(self) -> None:
        """All but the newest; only what was rolled back, where a run has still to find out that it was."""
        history = self.pipeline.table.history()
        kept = history.ids if self.rolled_back else {history.head[0]}
        every = {snapshot.snapshot_id for snapshot in history.table.metadata.snapshots}
        if gone := sorted(every - kept):
            expire(self.pipeline.table, gone)

    def roll_back(self) -> None:
        history = self.pipeline.table.history()
        if known := sorted(self.states.keys() & history.ids - {history.head[0]}):
            to = self.chance.choice(known)
            roll_back(self.pipeline.table, to)
            past = list(self.states)
            self.states = {i: self.states[i] for i in past[: past.index(to) + 1]}
            self.live = dict(self.states[to])
            self.rolled_back = True

    def check(self) -> None:
        table = self.pipeline.table
        columns = ["event_id", "page_title", *([MORE] if MORE in table.layout.schema else [])]
        found = table.scan(tenants=[self.org]).select(columns).collect()
        assert Counter(found["event_id"]) == Counter(list(self.live)), self
        assert found["page_title"].to_list() == [f"title of {i}" for i in found["event_id"]], self
        if MORE in columns:
            assert dict(found.select("event_id", MORE).iter_rows()) == self.live, self

    def __str__(self) -> str:
        return f"seed {self.seed}: {', '.join(self.said)}"

    def _is_taken(self, batch: Batch) -> bool:
        return batch.taken_at in self.states

    def _note(self) -> None:
        head = self._head()
        if head is not None:
            self.states.setdefault(head, dict(self.live))

    def _head(self) -> int | None:
        return self.pipeline.table.head()[0]

    def _new(self, whose: str) -> str:
        self.number += 1
        return f"{whose}-{self.seed}-{self.number}"

    def _line(self, event_id: str) -> bytes:
        number = int(event_id.rpartition("-")[2])
        at = DAY.format(number // 60, number % 60)
        return line(number, org_tag=self.org, event_id=event_id, timestamp=at, page_title=f"title of {event_id}")

    def _has_equality_deletes(self) -> bool:
        """pyiceberg plans no partition with some, so the other engine uses another way there."""
        files = self.pipeline.table.files(tenants=[self.org])
        return any(delete.equality_ids for info in files for delete in info.deletes)
