"""One deletion of old rows: what is to be done, and what was done or would be. Pure.

What belongs here: data. What does not: finding and deleting rows.
"""

from dataclasses import dataclass, field
from datetime import datetime

from assets.apps.lifecycle import CONDITIONS, Lifecycle
from assets.progress import Progress, silent
from resources.declined import DeclinedError


@dataclass(frozen=True)
class Deletion:
    """The old rows of one entry of an app's policy, which are to be deleted.

    before: rows older than this may go (exclusive; a UTC midnight). dry_run: only report what would go. confirmed: a
    large share may go.
    """

    app: str
    entry: Lifecycle
    before: datetime
    dry_run: bool = True
    confirmed: bool = False

    @property
    def lock(self) -> str:
        """The name of the lock in Postgres under which one process at a time deletes of a table."""
        return f"{self.app}.retention.{self.entry.name}"

    @property
    def place(self) -> str:
        """All of the table that is old enough, as the place of a deletion."""
        return f"before {self.before:%Y-%m-%d}"

    @property
    def why(self) -> str:
        """Why rows may go, in words."""
        conditions = (CONDITIONS[name] for name in self.entry.requires)
        return "; ".join((f"older than {self.entry.delete_after_days} days", *conditions))


@dataclass(frozen=True)
class Portion:
    """Old rows of one place that may go, at most. `place` is a quarter, the table, or all before a day."""

    place: str
    rows: int
    bytes: int = 0


@dataclass(frozen=True)
class HeldBack:
    """Rows that are old enough and stay, and why."""

    place: str
    rows: int
    why: str


@dataclass
class DeletionOutcome:
    """An entry after a run, or as a dry run found it.

    total: live rows (objects of a prefix) before the run. going: rows that are old enough and proved. deleted: rows
    that were deleted; 0 in a dry run. bytes: what they took, where the store knows it. faults: damaged objects of an
    archive or of a lake, a line each; a fault makes a check fail. stopped: why nothing at all was deleted.
    """

    deletion: Deletion
    total: int = 0
    going: int = 0
    deleted: int = 0
    bytes: int = 0
    held_back: list[HeldBack] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    stopped: DeclinedError | None = None
    progress: Progress = silent

    def hold(self, place: str, rows: int, why: str) -> None:
        """Record that old rows stay."""
        self.held_back.append(HeldBack(place, rows, why))

    def hold_rest(self, portion: Portion, rows: int, why: str) -> None:
        """Record that only so many rows of a portion may go, and why the others stay."""
        self.going -= portion.rows - rows
        self.hold(portion.place, portion.rows - rows, why)

    def gone(self, rows: int, bytes_: int = 0) -> None:
        """Record that rows were deleted."""
        self.deleted += rows
        self.bytes += bytes_
        self.progress(self.deleted, max(self.going, self.deleted))

    @property
    def held_rows(self) -> int:
        """Rows that are old enough and stay."""
        return sum(held.rows for held in self.held_back)
