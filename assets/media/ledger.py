"""The ledger of uploaded images in Postgres (schema `media`): what is to be done, and what became of each upload."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from assets.media.containers import Reason
from assets.media.plan import Known, Mark
from resources.postgres import Postgres
from resources.sql_files import read_sql

PAGE = 200


@dataclass(frozen=True)
class Refused:
    """A refused upload: why, the bytes that it had, whether they lie in quarantine, and when (UTC) it was refused."""

    key: str
    reason: str
    bytes: int
    kept: bool
    at: datetime


@dataclass(frozen=True)
class Ledger:
    """One application's part of it. `clock` gives UTC now."""

    postgres: Postgres
    app: str
    clock: Callable[[], datetime]

    def place(self) -> str:
        """The key that the last listing ended with; empty where the next one begins anew."""
        rows = self.postgres.fetch("select after_key from media.listings where app = %s", [self.app])
        return str(rows[0]["after_key"]) if rows else ""

    def between(self, after: str, until: str | None) -> dict[str, Known]:
        """Uploads by key, behind `after` and up to `until` (None: to the end)."""
        rows = self.postgres.fetch(read_sql("media/between.sql"), {"app": self.app, "after": after, "until": until})
        return {row["object_key"]: _known(row) for row in rows}

    def mark(self, marks: Iterable[Mark], place: str) -> int:
        """Write marks and the place that listing goes on from, in one transaction."""
        found = list(marks)
        with self.postgres.connection() as connection:
            if found:
                connection.execute(
                    read_sql("media/mark.sql"),
                    {
                        "app": self.app,
                        "at": self.clock(),
                        "keys": [m.key for m in found],
                        "etags": [m.etag for m in found],
                        "states": [m.state for m in found],
                        "reasons": [m.reason for m in found],
                    },
                )
            connection.execute(read_sql("media/move.sql"), {"app": self.app, "after": place, "at": self.clock()})
        return len(found)

    def to_do(self) -> Iterator[list[Known]]:
        """Uploads that are wanted or gone, page by page; each is given once, whatever becomes of it."""
        after = ""
        while rows := self.postgres.fetch(read_sql("media/to_do.sql"), {"app": self.app, "after": after, "rows": PAGE}):
            yield [_known(row) for row in rows]
            after = rows[-1]["object_key"]

    def waiting(self) -> tuple[int, datetime | None]:
        """How many uploads are wanted or gone, and when the newest of them was marked."""
        row = self.postgres.fetch(read_sql("media/waiting.sql"), {"app": self.app})[0]
        return row["images"], row["newest"]

    def made(
        self, seen: Known, etag: str, variants: Mapping[str, str], sizes: tuple[int, int], side: tuple[int, int]
    ) -> bool:
        """Say that an upload, seen as the ledger had it, has its variants; False where it was marked anew since.

        etag: of the upload as it lies now. sizes: bytes of the upload and of its variants. side: width and height.
        """
        given = {"etag": etag, "variants": json.dumps(dict(variants)), "bytes_in": sizes[0], "bytes_out": sizes[1]}
        return self._settle("media/settle_made.sql", seen, {**given, "width": side[0], "height": side[1]})

    def refused(self, seen: Known, reason: Reason, size: int) -> bool:
        """Say that an upload was refused; `size` is what is kept of it. False where it was marked anew since."""
        return self._settle(
            "media/settle_refused.sql", seen, {"reason": reason.value, "kept": size > 0 or seen.kept, "bytes_in": size}
        )

    def forget(self, seen: Known) -> None:
        """Drop an upload that is gone, unless it was marked anew since."""
        self.postgres.execute(
            "delete from media.images where app = %s and object_key = %s and state = %s and etag = %s",
            [self.app, seen.key, seen.state, seen.etag],
        )

    def forget_below(self, folder: str) -> None:
        """Drop every upload of a folder (with its closing slash)."""
        self.postgres.execute(
            "delete from media.images where app = %s and starts_with(object_key, %s)", [self.app, folder]
        )

    def by_reason(self) -> list[dict[str, Any]]:
        """Refused uploads: reason, images, bytes kept."""
        return self.postgres.fetch(read_sql("media/refused.sql"), {"app": self.app})

    def in_quarantine(self, reason: str | None = None, key: str | None = None) -> list[Refused]:
        """Refused uploads of one reason, one key or all; bytes that are kept lie under naming.quarantined(key)."""
        given = {"app": self.app, "reason": reason, "key": key}
        return [
            Refused(row["object_key"], row["reason"], row["bytes_in"] or 0, row["kept"], row["changed_at"])
            for row in self.postgres.fetch(read_sql("media/in_quarantine.sql"), given)
        ]

    def states(self) -> list[dict[str, Any]]:
        """Uploads by state: images, bytes of them and of their variants, when the newest was changed."""
        return self.postgres.fetch(read_sql("media/states.sql"), {"app": self.app})

    def listed_at(self) -> datetime | None:
        """When a listing last went on; None before the first."""
        rows = self.postgres.fetch("select listed_at from media.listings where app = %s", [self.app])
        return rows[0]["listed_at"] if rows else None

    def _settle(self, statement: str, seen: Known, given: Mapping[str, Any]) -> bool:
        place = {"app": self.app, "key": seen.key, "seen": seen.etag, "at": self.clock()}
        return self.postgres.execute(read_sql(statement), {**place, **given}) == 1


def _known(row: Mapping[str, Any]) -> Known:
    return Known(row["object_key"], row["etag"], row["state"], row["reason"], row["kept"], row["variants"])
