"""Reading the phone numbers of leads: those that came or changed since they were read last, page by page.

A page is one transaction. A number that changed while it was read stays unread. Raw numbers are never changed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from assets.apps import App, Growth
from assets.growth.phone import read
from assets.progress import Progress, silent
from assets.rooms import Rooms
from resources.postgres import Postgres
from resources.sql_files import read_sql

PAGE = 2_000


@dataclass(frozen=True)
class ReadPhones:
    """Numbers that were read, how many of them are valid, and how many wait still."""

    read: int
    valid: int
    waiting: int


@dataclass
class Phones:
    """The engine over one database."""

    postgres: Postgres
    growth: Growth
    clock: Callable[[], datetime]
    page: int = PAGE
    progress: Progress = silent

    @classmethod
    def of(cls, rooms: Rooms, app: App, growth: Growth) -> Self:
        """The engine over an app's own database."""
        return cls(rooms.app_postgres(app), growth, rooms.clock, progress=rooms.progress("phone numbers"))

    def run(self) -> ReadPhones:
        """Read every number that waits."""
        total, done, valid, after = self._waiting(), 0, 0, None
        while rows := self._unread(after):
            numbers = [read(row["phone"], row["country"]) for row in rows]
            self.postgres.execute(
                self._sql("write_phones"),
                {
                    "ids": [row["id"] for row in rows],
                    "phones": [row["phone"] for row in rows],
                    "countries": [row["country"] for row in rows],
                    "numbers": [number.e164 if number else None for number in numbers],
                    "extensions": [number.extension if number else None for number in numbers],
                    "now": self.clock(),
                },
            )
            after, done = rows[-1]["id"], done + len(rows)
            valid += sum(1 for number in numbers if number)
            self.progress(done, max(done, total))
        return ReadPhones(done, valid, self._waiting())

    def _unread(self, after: UUID | None) -> list[dict[str, Any]]:
        return self.postgres.fetch(self._sql("unread_phones"), {"after": after, "rows": self.page})

    def _waiting(self) -> int:
        (row,) = self.postgres.fetch(self._sql("waiting_phones"))
        return int(row["waiting"])

    def _sql(self, name: str) -> str:
        return read_sql(f"{self.growth.statements}/{name}.sql")
