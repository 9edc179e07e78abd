"""A changed row as every change log gives it, and what every change log can do."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from assets.apps.lifecycle import Store


class Position(NamedTuple):
    """Where a row stands in its log. transaction: 0 in D1, whose ids alone are in the order of commits."""

    transaction: int
    id: int


@dataclass(frozen=True)
class Change:
    """One row of a log: the values of the table's keys before and after the change, None where there was no row."""

    position: Position
    table: str
    old_keys: Mapping[str, Any] | None
    new_keys: Mapping[str, Any] | None
    changed_at: datetime


class Newest(NamedTuple):
    """The newest row of a table's log."""

    id: int
    changed_at: datetime


class ChangeLog(Protocol):
    """A log of changes that readers follow, each from its own position."""

    @property
    def store(self) -> Store:
        """The kind of store that it lies in."""

    def unread(self, reader: str, page: int) -> Iterator[list[Change]]:
        """Pages of the rows after a reader's position, up to the end of the log at the time of the call."""

    def move(self, reader: str, position: Position, at: datetime) -> None:
        """Set a reader's position to the last row that it is done with; a position never goes back."""

    def newest(self, tables: Collection[str]) -> dict[str, Newest]:
        """The newest row of each of these tables; tables without a row are left out."""
