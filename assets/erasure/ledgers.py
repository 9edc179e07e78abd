"""The ledgers of landed objects and of refused lines, as an erasure changes them: in our Postgres, or in an app's D1.

A ledger knows an object by its key, etag and checksum, and refused lines by the checksum of their object. An object
that is written again gets another checksum. The ledger is written before, so that the object is never taken twice, also
where a kill comes in between. Counts of what was received stay as they are. What does not belong here: objects.
"""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from assets.intake.objects import Identity
from resources.d1 import D1, Statement
from resources.postgres import Postgres
from resources.sql_files import read_sql


@dataclass(frozen=True)
class Again:
    """A landed object that is written again: key and checksum before and after, and the numbers of lines that go."""

    key: str
    sha256: str
    new_key: str
    new_sha256: str
    gone: Sequence[int]

    @property
    def is_another(self) -> bool:
        """Whether a ledger knows it by something else from now on."""
        return (self.key, self.sha256) != (self.new_key, self.new_sha256)


@dataclass(frozen=True)
class Seen:
    """A landed object as it lies in the store now."""

    key: str
    etag: str
    sha256: str
    size: int


class Ledger(Protocol):
    """What is taken of one kind of object of an app."""

    def known(self, objects: Sequence[Identity]) -> Collection[Identity]:
        """Of some objects, those that are taken."""

    def write_again(self, again: Again) -> None:
        """An object and its refused lines get another key and checksum; the lines that go are forgotten."""

    def seen(self, objects: Sequence[Seen]) -> None:
        """Objects with the checksum that `write_again` gave them have this etag and size."""

    def has_refused(self, sha256: str, key: str = "") -> bool:
        """Whether refused lines of an object with this checksum are known, of one key or of any."""

    def forget_refused(self, sha256: str, lines: Sequence[int]) -> None:
        """Forget refused lines of an object."""


@dataclass(frozen=True)
class PostgresLedger:
    """Of events, in our Postgres. `taken` gives those of some objects that were taken."""

    postgres: Postgres
    app: str
    taken: Callable[[Sequence[Identity]], Collection[Identity]]

    def known(self, objects: Sequence[Identity]) -> Collection[Identity]:
        return self.taken(objects)

    def write_again(self, again: Again) -> None:
        about: dict[str, Any] = {**vars(again), "app": self.app}
        with self.postgres.connection() as connection:
            connection.execute(read_sql("erasure/forget_refused_events.sql"), {**about, "lines": list(again.gone)})
            for of_what in ("refused_events", "batch") if again.is_another else ():
                connection.execute(read_sql(f"erasure/{of_what}_again.sql"), about)
                connection.execute(read_sql(f"erasure/{of_what}_twice.sql"), about)

    def seen(self, objects: Sequence[Seen]) -> None:
        columns = [list(column) for column in zip(*((o.key, o.etag, o.sha256, o.size) for o in objects), strict=True)]
        names = dict(zip(("keys", "etags", "checksums", "sizes"), columns, strict=True))
        self.postgres.execute(read_sql("erasure/batches_seen.sql"), {"app": self.app, **names})

    def has_refused(self, sha256: str, key: str = "") -> bool:
        about = {"app": self.app, "sha256": sha256, "key": key}
        return bool(self.postgres.fetch(read_sql("erasure/refused_events.sql"), about))

    def forget_refused(self, sha256: str, lines: Sequence[int]) -> None:
        about = {"app": self.app, "sha256": sha256, "lines": list(lines)}
        self.postgres.execute(read_sql("erasure/forget_refused_events.sql"), about)


@dataclass(frozen=True)
class D1Ledger:
    """Of points, in the app's D1. `taken` gives those of some objects that were taken."""

    d1: D1
    taken: Callable[[Sequence[Identity]], Collection[Identity]]

    def known(self, objects: Sequence[Identity]) -> Collection[Identity]:
        return self.taken(objects)

    def write_again(self, again: Again) -> None:
        before = [again.key, again.sha256]
        batch = [Statement(read_sql("erasure/forget_refused_points.sql"), [again.sha256, json.dumps(list(again.gone))])]
        for of_what in ("refused_points", "point_object") if again.is_another else ():
            after = [*before, again.new_key, again.new_sha256]
            batch.append(Statement(read_sql(f"erasure/{of_what}_again.sql"), after))
            batch.append(Statement(read_sql(f"erasure/{of_what}_twice.sql"), before))
        self.d1.batch(batch, idempotent=True)

    def seen(self, objects: Sequence[Seen]) -> None:
        statement = read_sql("erasure/point_object_seen.sql")
        self.d1.batch([Statement(statement, [o.key, o.sha256, o.etag]) for o in objects], idempotent=True)

    def has_refused(self, sha256: str, key: str = "") -> bool:
        return bool(self.d1.query(read_sql("erasure/refused_points.sql"), [sha256, key]))

    def forget_refused(self, sha256: str, lines: Sequence[int]) -> None:
        statement = Statement(read_sql("erasure/forget_refused_points.sql"), [sha256, json.dumps(list(lines))])
        self.d1.batch([statement], idempotent=True)
