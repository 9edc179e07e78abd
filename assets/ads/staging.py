"""Raw pages in R2, as they came: `raw/ads/{platform}/{connection}/{run}/{slice}/`, with a manifest once all are there.

The manifest makes a slice whole and tells all that a merge needs: a merge reads from here alone, now or years later.
What does not belong here: what is in a page.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import date, datetime
from typing import BinaryIO, cast
from urllib.parse import quote

import msgspec

from resources.ad_platforms import AccountDays, Page, Stream
from resources.r2 import ObjectStore

PREFIX = "raw/ads"
MANIFEST = "manifest.json"
CHUNK = 1 << 20
IN_MEMORY = 8 << 20


class StagedPage(msgspec.Struct, frozen=True):
    """One page: its object, and what reading it needs besides."""

    key: str
    context: dict[str, str] = {}


class Manifest(msgspec.Struct):
    """One slice: whose it is, what was asked for and when, and its pages in order.

    since and until are None for a list. currency, time_zone: the account's, empty in the slice that brings them.
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
    pages: list[StagedPage] = []

    @property
    def days(self) -> AccountDays | None:
        """The days of the slice; None for a list."""
        return None if self.since is None or self.until is None else AccountDays(self.since, self.until)

    @property
    def prefix(self) -> str:
        """Where the slice's objects lie."""
        span = f".{self.since}.{self.until}" if self.since else ""
        return f"{folder(self.platform, self.connection_id)}/{self.run_id}/{self.stream.value}{span}.{self.slice_id}"


def folder(platform: str, connection_id: str) -> str:
    """Where a connection's slices lie."""
    return f"{PREFIX}/{platform}/{quote(connection_id, safe='')}"


def keep(store: ObjectStore, manifest: Manifest, page: Page) -> None:
    """Store one page and note it in the manifest; the page's body is read to its end and closed."""
    key = f"{manifest.prefix}/{len(manifest.pages):06}"
    with closing(page.body):
        store.put(key, iter(lambda: page.body.read(CHUNK), b""))
    manifest.pages.append(StagedPage(key, dict(page.context)))


def finish(store: ObjectStore, manifest: Manifest) -> None:
    """Say that all pages of the slice are there."""
    store.put(f"{manifest.prefix}/{MANIFEST}", msgspec.json.encode(manifest))


def manifest(store: ObjectStore, prefix: str) -> Manifest:
    """The manifest of a whole slice; raises ObjectNotFoundError where there is none."""
    return msgspec.json.decode(store.get(f"{prefix}/{MANIFEST}"), type=Manifest)


def manifests(store: ObjectStore, platform: str, connection_id: str) -> list[Manifest]:
    """The whole slices of a connection, in the order in which they were observed."""
    found = [
        manifest(store, info.key.removesuffix(f"/{MANIFEST}"))
        for info in store.list(folder(platform, connection_id))
        if info.key.endswith(f"/{MANIFEST}")
    ]
    return sorted(found, key=lambda m: (m.observed_at, m.stream.value, m.slice_id))


def bodies(store: ObjectStore, manifest: Manifest) -> Iterator[tuple[BinaryIO, Mapping[str, str]]]:
    """The slice's pages as they came, one at a time; large ones through a temporary file."""
    for page in manifest.pages:
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as body:
            for chunk in store.stream(page.key):
                body.write(chunk)
            body.seek(0)
            yield cast(BinaryIO, body), page.context
