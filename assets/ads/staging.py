"""Raw pages in R2, as they came: `{root}{platform}/{connection}/{run}/{slice}/`, with a manifest once all are there.

The manifest makes a slice complete and holds all that a merge needs, so that a merge reads from R2 alone, now or years
later. What does not belong here: what is in a page.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, BinaryIO, cast
from urllib.parse import quote

import msgspec

from assets.apps import App
from resources.ad_platforms import AccountDays, Page, Stream
from resources.r2 import ObjectStore

MANIFEST = "manifest.json"
CHUNK = 1 << 20
IN_MEMORY = 8 << 20


class StagedPage(msgspec.Struct, frozen=True):
    """One page: the key of its object, and the context that reading it needs."""

    key: str
    context: dict[str, str] = {}


class SliceManifest(msgspec.Struct):
    """One slice: its account, what was requested and when, and its pages in order.

    since and until are None for a list. actions: those that count by the connection's own setting. host: of the address
    in front of the platform's own hosts, such as a sandbox or a proxy; '' where there was none.
    currency and time_zone are the account's; they are empty in the account's own slice, which brings them.
    """

    slice_id: str
    run_id: str
    connection_id: str
    org_id: str
    platform: str
    account_id: str
    stream: Stream
    observed_at: datetime
    attribution: str
    since: date | None = None
    until: date | None = None
    currency: str = ""
    time_zone: str = ""
    actions: list[str] = []
    host: str = ""
    pages: list[StagedPage] = []

    @property
    def days(self) -> AccountDays | None:
        """The days of the slice, both ends included; None for a list."""
        return None if self.since is None or self.until is None else AccountDays(self.since, self.until)

    def parameters(self, app: App) -> dict[str, Any]:
        """The slice as parameters of statements. The app is not in the manifest, because its prefix in R2 is."""
        names = (
            "slice_id", "run_id", "connection_id", "org_id", "platform", "account_id", "since", "until", "observed_at",
        )  # fmt: skip
        return {"app": app.name, "stream": self.stream.value, **{name: getattr(self, name) for name in names}}


@dataclass(frozen=True)
class Staging:
    """The staged slices of one app. root: their prefix in R2, with its final slash."""

    store: ObjectStore
    root: str

    def prefix(self, manifest: SliceManifest) -> str:
        """The prefix of a slice's objects, without a final slash."""
        days = f".{manifest.since}.{manifest.until}" if manifest.since else ""
        folder = self._folder(manifest.platform, manifest.connection_id)
        return f"{folder}/{manifest.run_id}/{manifest.stream.value}{days}.{manifest.slice_id}"

    def keep(self, manifest: SliceManifest, page: Page) -> None:
        """Store one page and add it to the manifest; the page's body is read to its end and closed."""
        key = f"{self.prefix(manifest)}/{len(manifest.pages):06}"
        with closing(page.body):
            self.store.put(key, iter(lambda: page.body.read(CHUNK), b""))
        manifest.pages.append(StagedPage(key, dict(page.context)))

    def finish(self, manifest: SliceManifest) -> None:
        """Store the manifest: all pages of the slice are there."""
        self.store.put(f"{self.prefix(manifest)}/{MANIFEST}", msgspec.json.encode(manifest))

    def drop(self, prefix: str) -> None:
        """Delete a slice by its prefix, the manifest first, so that a kill leaves nothing complete."""
        self.store.delete(f"{prefix}/{MANIFEST}")
        self.store.delete([info.key for info in self.store.list(f"{prefix}/")])

    def manifest(self, prefix: str) -> SliceManifest:
        """The manifest of a complete slice; raises ObjectNotFoundError where there is none."""
        return msgspec.json.decode(self.store.get(f"{prefix}/{MANIFEST}"), type=SliceManifest)

    def manifests(self, platform: str, connection_id: str) -> list[SliceManifest]:
        """The complete slices of a connection, in the order in which they were observed; of one moment lists first."""
        manifests = [
            self.manifest(info.key.removesuffix(f"/{MANIFEST}"))
            for info in self.store.list(self._folder(platform, connection_id))
            if info.key.endswith(f"/{MANIFEST}")
        ]
        return sorted(manifests, key=lambda m: (m.observed_at, m.stream.is_daily, m.stream.value, m.slice_id))

    def bodies(self, manifest: SliceManifest) -> Iterator[tuple[BinaryIO, Mapping[str, str]]]:
        """The slice's pages with their contexts, one at a time; a large page goes through a temporary file."""
        for page in manifest.pages:
            with tempfile.SpooledTemporaryFile(IN_MEMORY) as body:
                for chunk in self.store.stream(page.key):
                    body.write(chunk)
                body.seek(0)
                yield cast(BinaryIO, body), page.context

    def _folder(self, platform: str, connection_id: str) -> str:
        return f"{self.root}{platform}/{quote(connection_id, safe='')}"
