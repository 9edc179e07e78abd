"""The way of an event from landing zone to lake over real stores, to be driven and killed by tests. No fixtures here.

`Pipeline.land` puts lines into the landing zone, `.ingest` and `.compact` run the engines (or let them die at a named
point), `.rows` says what the lake holds.
"""

import gzip
import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import polars as pl

from assets.apps.clearlift import APP as CLEARLIFT
from assets.compaction.plan import CompactionPolicy
from assets.compaction.rewrite import Compacted, Compaction
from assets.events import landing
from assets.events.ingest import GROUP_BYTES, Ingest
from assets.events.ledger import IngestLedger, RunOutcome
from assets.events.record import NAMES
from assets.events.validation import Admission, sift
from assets.intake import kept_bytes
from assets.intake.postgres_refusals import PostgresRefusals
from assets.intake.quarantine import Quarantine
from assets.intake.refused_lines import Selection
from resources import migrations
from resources.lake import DataFile, Lake, LakeTable, PartitionKey
from resources.postgres import Postgres
from resources.r2 import FolderObjectStore
from tests.databases import empty
from tests.rooms import KEYS
from tests.tables import EVENTS

NOW = datetime(2025, 10, 14, 12, 30, tzinfo=UTC)
EARLIEST = datetime(2025, 10, 1, tzinfo=UTC)
MERGE_ALL = CompactionPolicy(min_files=2, min_gain=0.0)

# After which call a process dies, by what it has just finished.
DEATHS: dict[str, tuple[Any, str]] = {
    "data files": (LakeTable, "write"),
    "quarantine": (kept_bytes, "keep"),
    "prepare": (IngestLedger, "prepare"),
    "lake commit": (LakeTable, "append"),
    "ledger commit": (IngestLedger, "commit"),
    "rewrite": (LakeTable, "rewrite"),
    "replace": (LakeTable, "replace"),
}
INGEST_DEATHS = ("data files", "quarantine", "prepare", "lake commit", "ledger commit")


class Killed(BaseException):
    """The end of a process, as far as one process can be its own witness."""


@contextmanager
def dying_after(point: str) -> Iterator[None]:
    """Die as soon as the call of `DEATHS[point]` has done its work; nothing is raised where it is never reached."""
    owner, name = DEATHS[point]
    real: Callable[..., Any] = getattr(owner, name)

    def last_call(*args: Any, **kwargs: Any) -> Any:
        real(*args, **kwargs)
        raise Killed(point)

    with patch.object(owner, name, last_call), suppress(Killed):
        yield


def event(number: int = 0, /, **fields: Any) -> dict[str, Any]:
    """A valid event whose id is made of `number`; `fields` are put over it, and `...` takes a field away."""
    made: dict[str, Any] = {
        "org_tag": "a3f7c2",
        "timestamp": f"2025-10-{10 + number % 3:02}T{number % 24:02}:{number % 60:02}:00.{number % 1000:03}Z",
        "session_id": f"session-{number // 3}",
        "anonymous_id": f"visitor-{number // 5}",
        "event_id": f"event-{number}",
        "event_type": "page_view",
        "event_value": number / 4 if number % 2 else None,
        "page_url": f"https://shop.example/{number}",
        "page_title": "Shop – Käse",
        "page_path": f"/{number}",
        "page_hostname": "shop.example",
        "device_type": "mobile",
        "viewport_width": 390,
        "viewport_height": 844,
        "browser_name": "Safari",
        "browser_language": "de-DE",
        "utm_source": "newsletter" if number % 4 == 0 else None,
        "consent_analytics": True,
        **fields,
    }
    return {name: value for name, value in made.items() if value is not ...}


def line(number: int = 0, /, **fields: Any) -> bytes:
    """`event` as it is landed."""
    return msgspec.json.encode(event(number, **fields))


def written(table: LakeTable, *lines: bytes) -> list[DataFile]:
    """Events as data files, one a partition, that no commit names yet."""
    found = sift(b"\n".join(lines), Admission({"a3f7c2": True, "b8e9d1": True}, EARLIEST, NOW)).frame()
    assert found.height == len(lines)
    parts = found.with_columns(day=pl.col("timestamp").dt.date()).partition_by("org_tag", "day", as_dict=True)
    return table.write((PartitionKey(org, day), rows) for (org, day), rows in parts.items())


@dataclass
class Pipeline:
    """Landing zone, ledger and lake in one folder and one database."""

    postgres: Postgres
    lake: Lake
    folder: Path
    orgs: dict[str, bool] = field(default_factory=lambda: {"a3f7c2": True, "b8e9d1": True, "e5f604": False})
    now: datetime = NOW
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.store = FolderObjectStore(self.folder)
        migrations.up(migrations.PostgresAppliedMigrations(self.postgres), "pipelines/postgres")
        self.table = self.lake.ensure(EVENTS)
        self.ledger = IngestLedger(self.postgres, CLEARLIFT.name)
        self.zone = landing.zone(CLEARLIFT)

    @property
    def quarantine(self) -> Quarantine:
        """The way back of refused lines."""
        return Quarantine(
            self.store,
            self.zone,
            "quarantine/events/",
            PostgresRefusals(self.postgres, "events", CLEARLIFT.name),
            lambda: self.now,
            lambda lines: sift(b"\n".join(lines), self.admission(self.now)).refusals,
            self.ledger.known_objects,
            partial(self.postgres.lock, "clearlift.events.quarantine"),
            CLEARLIFT.holding("lake", "clearlift.events").impersonal_columns,
        )

    def reset(self) -> None:
        """Forget everything that landed, was ingested or derived; the data files of before become nobody's."""
        empty(self.postgres)
        self.store.delete([info.key for info in self.store.list("landing")])
        self.store.delete([info.key for info in self.store.list("quarantine")])
        self.lake.ensure(EVENTS)

    def land(self, *lines: bytes, name: str | None = None, at: datetime | None = None, packed: bool = False) -> str:
        """Put lines into the landing zone as one batch, under a name of its own or the one given; its key."""
        ending = "ndjson.gz" if packed else "ndjson"
        key = f"{self.zone.hour_prefix(at or self.now)}{name or f'batch-{next(self.numbers):06}'}.{ending}"
        content = b"\n".join(lines) + b"\n"
        self.store.put(key, gzip.compress(content, mtime=0) if packed else content)
        return key

    def engine(self, group_bytes: int = GROUP_BYTES) -> Ingest:
        return Ingest(
            CLEARLIFT,
            self.table,
            self.store,
            self.postgres,
            self.admission,
            lambda: self.now,
            lambda: KEYS,
            self.folder.parent / f"{self.folder.name}_copies",
            group_bytes,
        )

    def admission(self, now: datetime) -> Admission:
        return Admission(self.orgs, EARLIEST, now)

    def ingest(
        self, *, dies: str | None = None, sweep: bool = False, group_bytes: int = GROUP_BYTES
    ) -> RunOutcome | None:
        """One run of the ingest; None where it died after `dies`, one of `DEATHS`."""
        with dying_after(dies) if dies else nullcontext():
            return self.engine(group_bytes).run(sweep=sweep)
        return None

    def ingested(self, *, sweep: bool = False, group_bytes: int = GROUP_BYTES) -> RunOutcome:
        """One run of the ingest that lives."""
        return self.engine(group_bytes).run(sweep=sweep)

    def compact(self, *, dies: str | None = None, policy: CompactionPolicy = MERGE_ALL) -> Compacted | None:
        """One run of the compaction, of every small file; None where it died after `dies`."""
        with dying_after(dies) if dies else nullcontext():
            return Compaction(self.table, policy).run()
        return None

    def rows(self) -> Counter[tuple[Any, ...]]:
        """Every row of the lake as a tuple of its 51 values, and how often it is there."""
        return Counter(self.table.scan().select(NAMES).collect().iter_rows())

    def event_ids(self) -> list[str]:
        """The ids of the lake's rows, doubles included, sorted."""
        return sorted(self.table.scan().select("event_id").collect()["event_id"])

    def files(self) -> set[str]:
        """The live data files."""
        return {info.path for info in self.table.files()}

    def snapshots(self) -> int:
        """How many commits the lake has seen."""
        return len(self.table.load().metadata.snapshots)

    def refused(self) -> Counter[tuple[str, str, bytes]]:
        """Open refusals as reason, field and original bytes, with their number."""
        refused, found = self.quarantine, Counter[tuple[str, str, bytes]]()
        for line in refused.refusals.lines(Selection()):
            raw = b"".join(refused.whole(line.batch) if not line.line else (raw for _, raw in refused.raw([line])))
            found[line.reason, line.field, raw] += 1
        return found
