"""A bucket, a ledger and an engine of a test's own, with deaths on order and uploads that arrive in between."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assets.apps.sesh import APP as SESH
from assets.media import variants
from assets.media.audit import MediaProof, audit
from assets.media.ledger import ImageLedger
from assets.media.make import Making, MediaRun
from resources.postgres import Postgres
from resources.r2 import FolderObjectStore
from tests.assets.media.photos import SECRETS

assert SESH.media is not None
MEDIA = SESH.media
NOW = datetime(2026, 3, 20, 12, 0, tzinfo=UTC)
FOLDER = "user-media/user-1/sessions/s-1/"


class Killed(BaseException):
    """What a test dies of."""


@dataclass
class Watched:
    """A store that calls `before` with the name of each operation before it; everything else is the store's own."""

    store: Any
    before: Callable[[str], None]
    names: tuple[str, ...]

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.store, name)
        if name not in self.names:
            return found

        def asked(*args: Any, **kwargs: Any) -> Any:
            self.before(name)
            return found(*args, **kwargs)

        return asked


STORE_CALLS = ("put", "replace", "get", "head", "exists", "list", "delete", "copy")
POSTGRES_CALLS = ("fetch", "execute", "connection")


@dataclass
class Death:
    """Kills before the operation of this number, and before every one after it: the dead do nothing."""

    at: int
    seen: list[str] = field(default_factory=list)

    def __call__(self, name: str) -> None:
        self.seen.append(name)
        if len(self.seen) > self.at:
            raise Killed


@dataclass
class MediaStores:
    """`run` is a sweep with an engine of its own over the same stores."""

    folder: Path
    postgres: Postgres

    def __post_init__(self) -> None:
        self.store = FolderObjectStore(self.folder)
        self.ledger = ImageLedger(self.postgres, "sesh", lambda: NOW)

    def put(self, name: str, data: bytes, folder: str = FOLDER) -> str:
        self.store.put(folder + name, data)
        return folder + name

    def engine(self, before: Callable[[str], None] | None = None, **given: Any) -> Making:
        store, postgres = self.store, self.postgres
        if before is not None:
            store = Watched(store, before, STORE_CALLS)  # type: ignore[assignment]
            postgres = Watched(postgres, before, POSTGRES_CALLS)  # type: ignore[assignment]
        return Making("sesh", MEDIA, store, postgres, lambda: NOW, **{"make": variants.make, **given})

    def run(self, *, sweep: bool = True, **given: Any) -> MediaRun:
        return self.engine(**given).run(sweep=sweep)

    def objects(self) -> dict[str, bytes]:
        return {found.key: self.store.get(found.key) for found in self.store.list()}

    def secrets(self) -> set[str]:
        """Objects that tell by what camera or where they were taken."""
        return {key for key, data in self.objects().items() if any(secret in data for secret in SECRETS)}

    def rows(self) -> dict[str, tuple[str, str | None, bool]]:
        """State, reason and whether bytes are kept, by key."""
        return {key: (row.state, row.reason, row.kept) for key, row in self.ledger.between("", None).items()}

    def proof(self) -> MediaProof:
        return audit(self.store, self.ledger, MEDIA, None)

    def clear(self) -> None:
        self.store.delete([found.key for found in self.store.list()])
        self.postgres.execute("truncate media.images, media.listings")
