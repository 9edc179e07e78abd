"""The landing zone and the lake as operators find them, and what ever landed there. No fixtures here."""

import gzip
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from assets.apps.clearlift import APP as CLEARLIFT
from assets.events.ledger import IngestLedger
from assets.events.refused import quarantine
from assets.events.table import events_table
from assets.intake.quarantine import Quarantine
from assets.intake.refused_lines import RefusedLine, Selection
from assets.retention.stores import entries, prune_all
from assets.windows import midnight
from clearlift_pipelines.stores import Stores, utc_now
from tests.assets.event_pipeline import dying_after
from tests.clearlift_pipelines.cli import intake
from tests.clearlift_pipelines.cli.terminal import Terminal
from tests.databases import empty
from tests.rooms import TestRooms

assert CLEARLIFT.audience is not None
AUDIENCE = CLEARLIFT.audience
NUMBER = re.compile(rb"event-(\d+)")


@dataclass
class World:
    """The stores behind a terminal, and what is known of events by other means than their ledgers.

    landed: every object that was seen in the landing zone. expected: numbers of the events that must be in the lake in
    the end.
    """

    terminal: Terminal
    landed: dict[str, bytes] = field(default_factory=dict)
    expected: set[int] = field(default_factory=set)

    @property
    def stores(self) -> Stores:
        return self.terminal.stores

    @property
    def folder(self) -> Path:
        return self.terminal.folder

    def reset(self) -> None:
        """Empty stores with the sample's organisations, of which one has no tag yet that events have."""
        store = self.stores.object_store
        empty(self.stores.postgres)
        store.delete([info.key for prefix in ("landing", "quarantine") for info in store.list(prefix)])
        self.stores.migrate()
        self.know("newone", known=False)
        self.landed.clear()
        self.expected.clear()

    def know(self, tag: str, *, known: bool) -> None:
        """An organisation gets or loses a tag."""
        before, after = ("b8e9d1", tag) if known else (tag, "b8e9d1")
        self.stores.d1(CLEARLIFT).execute(
            "update org_tag_mappings set short_tag = ? where short_tag = ?", [after, before]
        )

    def ingest(self, dies: str | None = None) -> None:
        """What the landing sensor starts."""
        if dies is None:
            intake.ingest(self.terminal)
        else:
            with dying_after(dies):
                intake.ingest(self.terminal)

    def look(self) -> None:
        """Remember what lies in the landing zone."""
        store = self.stores.object_store
        for info in store.list(AUDIENCE.landing.rstrip("/")):
            if info.key not in self.landed:
                self.landed[info.key] = store.get(info.key)

    def prune(self, days: int) -> None:
        """What retention deletes in so many days."""
        stores = self.stores
        later = TestRooms(utc_now() + timedelta(days=days), stores.postgres, stores.object_store)
        wanted = [
            entry
            for entry in entries(CLEARLIFT)
            if entry.name in ("ingest.quarantine", AUDIENCE.landing, AUDIENCE.quarantine)
        ]
        prune_all(later, CLEARLIFT, wanted, run_id=f"in {days} days", dry_run=False, confirmed=True)

    @property
    def quarantine(self) -> Quarantine:
        found = quarantine(self.stores, CLEARLIFT, midnight(self.stores.settings.partitions_start))
        assert found is not None
        return found

    def refused(self) -> list[RefusedLine]:
        """The lines of the ledger in every state."""
        ledger = self.quarantine.refusals
        return [line for state in ("open", "landing", "closed") for line in ledger.lines(Selection(state=state))]

    def original(self, refused: RefusedLine) -> bytes:
        """The bytes of a refused line, or object, as they landed."""
        content = self.landed[refused.object_key]
        if not refused.line:
            return content
        return lines_of(content)[refused.line - 1]

    def kept(self, refused: RefusedLine) -> bytes:
        """The same bytes as the quarantine has them."""
        if refused.line:
            return next(raw for _, raw in self.quarantine.raw([refused]))
        return b"".join(self.quarantine.whole(refused.batch))

    def stored(self) -> Counter[int]:
        """Numbers of the events in the lake, and how often they are there."""
        table = self.stores.lake.table(events_table(CLEARLIFT))
        ids = table.scan().select("event_id").collect()["event_id"]
        return Counter(int(event_id.rpartition("-")[2]) for event_id in ids)

    def unbalanced(self) -> list[dict[str, object]]:
        return IngestLedger(self.stores.postgres, CLEARLIFT.name).unbalanced()


def numbers(content: bytes) -> set[int]:
    """The numbers of the events that a text names."""
    return {int(number) for number in NUMBER.findall(content)}


def lines_of(content: bytes) -> list[bytes]:
    """The lines of an object, packed or plain."""
    text = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    return text.split(b"\n")
