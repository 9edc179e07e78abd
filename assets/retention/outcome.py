"""What a run of retention did with one entry, or would do. Data only."""

from dataclasses import dataclass, field
from datetime import datetime

from assets.apps.lifecycle import Lifecycle


@dataclass(frozen=True)
class Order:
    """What is asked of a deleter: the entry of an application, the age from which its rows may go (exclusive; a UTC
    midnight), whether to say only what would go, and whether a large share was confirmed.
    """

    app: str
    entry: Lifecycle
    before: datetime
    dry_run: bool = True
    confirmed: bool = False

    @property
    def lock(self) -> str:
        """Postgres' name of it: one process at a time deletes of a table."""
        return f"clearlift.retention.{self.app}.{self.entry.name}"


@dataclass(frozen=True)
class HeldBack:
    """Rows that are old enough and stay, and why. `place` is a day, a quarter's bucket, a partition or a prefix."""

    place: str
    rows: int
    why: str


@dataclass
class Outcome:
    """An entry after a run, or as a dry run found it.

    total: live rows (objects of a prefix) before the run. going: rows that are old enough and proved. deleted: rows
    that went; 0 in a dry run. bytes: that went with them, where the store says how many. faults: damage of an archive
    that a proof came upon, with the name of the object; each makes a check fail. stopped: why nothing at all was
    deleted, e.g. a large share.
    """

    order: Order
    total: int = 0
    going: int = 0
    deleted: int = 0
    bytes: int = 0
    held_back: list[HeldBack] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    stopped: str = ""

    def hold(self, place: str, rows: int, why: str) -> None:
        """Note that rows stay."""
        self.held_back.append(HeldBack(place, rows, why))

    @property
    def held_rows(self) -> int:
        return sum(held.rows for held in self.held_back)
