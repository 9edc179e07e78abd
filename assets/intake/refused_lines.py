"""Refused lines as a ledger has them: which are open, how some are chosen, and what says it.

A line is open until a replay lands it again, or other lines in its place. What does not belong here: bytes
(kept_bytes.py), and the replay (quarantine.py).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple, Protocol

from resources.counts import counted
from resources.declined import DeclinedError

State = Literal["open", "landing", "closed"]
"""landing: a replay of the line has begun and is not finished; it will be, by the next command."""


class Batch(NamedTuple):
    """A landed object of which something was refused."""

    object_key: str
    sha256: str


@dataclass(frozen=True)
class RefusedLine:
    """A line that was refused: its object's checksum and key, its number (0: the whole object), and why.

    value: of the field, where people may see it. kept: whether its bytes are in quarantine, and not only where the
    object landed. replayed_as: the folder of the batches that a replay landed. replayed_at: when the line was closed.
    """

    sha256: str
    line: int
    object_key: str
    reason: str
    field: str
    value: str
    kept: bool
    replayed_as: str
    replayed_at: datetime | None

    @property
    def batch(self) -> Batch:
        return Batch(self.object_key, self.sha256)


@dataclass(frozen=True)
class Selection:
    """Which refused lines: those that agree with all that is given.

    batch: an object's key, the start of its checksum, or the folder that it lies in. replay: where a replay landed
    them.
    """

    reason: str | None = None
    field: str | None = None
    value: str | None = None
    batch: str | None = None
    replay: str | None = None
    state: State = "open"


class Change(NamedTuple):
    """What becomes of some lines: where a replay lands them, and when they are closed (None: they are not)."""

    lines: Sequence[RefusedLine]
    replayed_as: str
    replayed_at: datetime | None


class Refusals(Protocol):
    """The ledger of refused lines of one app and kind."""

    def summary(self) -> list[dict[str, Any]]:
        """Lines that are not closed, by reason, field and value: these, lines, batches, and one key as `example`.

        Of many values of a field, those that are not among the most frequent are together, as `…`.
        """

    def lines(self, chosen: Selection) -> list[RefusedLine]:
        """Refused lines, in an order that is the same each time; lines of one object are together."""

    def write(self, changes: Sequence[Change]) -> None:
        """Write down what becomes of lines: all of it or nothing."""


class SeveralBatchesError(DeclinedError):
    """A name stands for more than one batch. The next step lists them."""

    def __init__(self, name: str, batches: Iterable[Batch]) -> None:
        listed = sorted(set(batches))
        shown = "; ".join(f"{batch.sha256[:16]} {batch.object_key}" for batch in listed[:LISTED])
        more = f"; and {len(listed) - LISTED} more" if len(listed) > LISTED else ""
        super().__init__(f"{name!r} names {counted(len(listed), 'batch', 'batches')}", f"say which: {shown}{more}")


LISTED = 5


def of_one_batch(name: str, lines: Sequence[RefusedLine]) -> Sequence[RefusedLine]:
    """These lines, which a name chose; SeveralBatchesError where they are of more than one batch."""
    if len({line.batch for line in lines}) > 1:
        raise SeveralBatchesError(name, (line.batch for line in lines))
    return lines
