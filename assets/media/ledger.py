"""The ledger of uploaded images in Postgres (schema `media`): what must be done, and the result for each upload."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from assets.apps import App
from assets.media.containers import RefusalReason
from assets.media.plan import KnownImage, Mark
from assets.rooms import Rooms
from resources.postgres import Postgres
from resources.sql_files import read_sql

PAGE = 200


@dataclass(frozen=True)
class RefusedImage:
    """A refused upload: why, its size in bytes, whether they are in quarantine, and when (UTC) it was refused."""

    key: str
    reason: str
    bytes: int
    kept: bool
    at: datetime


@dataclass(frozen=True)
class ImageLedger:
    """The rows of one app. `clock` gives the present time in UTC."""

    postgres: Postgres
    app: str
    clock: Callable[[], datetime]

    def position(self) -> str:
        """The key at which the last listing ended; empty if the next one starts from the beginning."""
        rows = self.postgres.fetch("select after_key from media.listings where app = %s", [self.app])
        return str(rows[0]["after_key"]) if rows else ""

    def between(self, after: str, until: str | None) -> dict[str, KnownImage]:
        """Uploads by key, after `after` and up to `until` (None: to the end)."""
        rows = self.postgres.fetch(read_sql("media/between.sql"), {"app": self.app, "after": after, "until": until})
        return {row["object_key"]: _known(row) for row in rows}

    def mark(self, marks: Iterable[Mark], position: str) -> int:
        """Write marks and the key at which the listing ended, in one transaction; returns the number of marks."""
        written = list(marks)
        with self.postgres.connection() as connection:
            if written:
                connection.execute(
                    read_sql("media/mark.sql"),
                    {
                        "app": self.app,
                        "at": self.clock(),
                        "keys": [m.key for m in written],
                        "etags": [m.etag for m in written],
                        "states": [m.state for m in written],
                        "reasons": [m.reason for m in written],
                    },
                )
            connection.execute(read_sql("media/move.sql"), {"app": self.app, "after": position, "at": self.clock()})
        return len(written)

    def to_do(self) -> Iterator[list[KnownImage]]:
        """Uploads that are wanted or gone, page by page, each once, also if it stays wanted."""
        after = ""
        while rows := self.postgres.fetch(read_sql("media/to_do.sql"), {"app": self.app, "after": after, "rows": PAGE}):
            yield [_known(row) for row in rows]
            after = rows[-1]["object_key"]

    def waiting(self) -> tuple[int, datetime | None]:
        """How many uploads are wanted or gone, and when the newest of them was marked."""
        row = self.postgres.fetch(read_sql("media/waiting.sql"), {"app": self.app})[0]
        return row["images"], row["newest"]

    def made(
        self, seen: KnownImage, etag: str, variants: Mapping[str, str], sizes: tuple[int, int], side: tuple[int, int]
    ) -> bool:
        """Record that an upload has its variants; False if it was marked again after it was `seen`.

        etag: of the upload as it is stored now. sizes: bytes of the upload and of its variants. side: width and height.
        """
        values = {"etag": etag, "variants": json.dumps(dict(variants)), "bytes_in": sizes[0], "bytes_out": sizes[1]}
        return self._settle("media/settle_made.sql", seen, {**values, "width": side[0], "height": side[1]})

    def refused(self, seen: KnownImage, reason: RefusalReason, size: int) -> bool:
        """Record that an upload was refused, with `size` bytes kept. False if it was marked again since `seen`."""
        return self._settle(
            "media/settle_refused.sql", seen, {"reason": reason.value, "kept": size > 0 or seen.kept, "bytes_in": size}
        )

    def forget(self, seen: KnownImage) -> None:
        """Delete the row of an upload that is gone, unless it was marked again after it was `seen`."""
        self.postgres.execute(
            "delete from media.images where app = %s and object_key = %s and state = %s and etag = %s",
            [self.app, seen.key, seen.state, seen.etag],
        )

    def forget_below(self, folder: str) -> None:
        """Delete the rows of a folder (with its closing slash)."""
        self.postgres.execute(
            "delete from media.images where app = %s and starts_with(object_key, %s)", [self.app, folder]
        )

    def by_reason(self) -> list[dict[str, Any]]:
        """Refused uploads by reason: reason, images, bytes."""
        return self.postgres.fetch(read_sql("media/refused.sql"), {"app": self.app})

    def in_quarantine(self, reason: str | None = None, key: str | None = None) -> list[RefusedImage]:
        """Refused uploads of one reason, one key or all. Bytes that are kept lie under naming.quarantined(key)."""
        filters = {"app": self.app, "reason": reason, "key": key}
        return [
            RefusedImage(row["object_key"], row["reason"], row["bytes_in"] or 0, row["kept"], row["changed_at"])
            for row in self.postgres.fetch(read_sql("media/in_quarantine.sql"), filters)
        ]

    def states(self) -> list[dict[str, Any]]:
        """Uploads by state: images, bytes of them and of their variants, when the newest was changed."""
        return self.postgres.fetch(read_sql("media/states.sql"), {"app": self.app})

    def listed_at(self) -> datetime | None:
        """When the last listing took place; None before the first."""
        rows = self.postgres.fetch("select listed_at from media.listings where app = %s", [self.app])
        return rows[0]["listed_at"] if rows else None

    def _settle(self, statement: str, seen: KnownImage, values: Mapping[str, Any]) -> bool:
        row = {"app": self.app, "key": seen.key, "seen": seen.etag, "at": self.clock()}
        return self.postgres.execute(read_sql(statement), {**row, **values}) == 1


def of(rooms: Rooms, app: App) -> ImageLedger:
    """The ledger of an app's images."""
    return ImageLedger(rooms.postgres, app.name, rooms.clock)


def _known(row: Mapping[str, Any]) -> KnownImage:
    return KnownImage(row["object_key"], row["etag"], row["state"], row["reason"], row["kept"], row["variants"])
