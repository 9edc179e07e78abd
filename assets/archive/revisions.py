"""Revisions of buckets: one is begun, its manifest put and read back, and sealed; after a kill it is settled.

What belongs here: the steps that make a manifest count, which archiving and repairing share. What does not: parts,
which are put and read back before.
"""

from dataclasses import dataclass
from datetime import UTC
from importlib.metadata import version

from assets.archive.commands import command
from assets.archive.layout import bucket_folder, manifest_name
from assets.archive.manifest import BucketManifest, digest, instant, parse
from assets.archive.quarters import Quarter
from assets.archive.registry import ArchiveRegistry, Revision
from assets.archive.sealed import DamagedManifestError
from assets.rooms import Clock
from resources.postgres import Postgres
from resources.r2 import ObjectStore


@dataclass
class Revisions:
    """The revisions of one table of an app. To be used under the registry's lock of the quarter."""

    app: str
    table: str
    store: ObjectStore
    postgres: Postgres
    clock: Clock

    def __post_init__(self) -> None:
        self.registry = ArchiveRegistry(self.postgres, self.app, self.table)
        self.code = f"clearlift-pipelines {version('clearlift-pipelines')}"

    @property
    def now(self) -> str:
        """This moment as manifests have it."""
        return instant(self.clock().astimezone(UTC))

    def folder(self, quarter: Quarter, bucket: str) -> str:
        """The folder of a bucket."""
        return bucket_folder(self.app, self.table, quarter, bucket)

    def begin(self, quarter: Quarter, bucket: str, before: Revision | None, snapshot: str) -> int:
        """Begin the revision after `before`; its number. No manifest has this number, not even a damaged one."""
        folder = self.folder(quarter, bucket)
        number = before.number + 1 if before else 1
        while self.store.exists(f"{folder}/{manifest_name(number)}"):
            number += 1
        self.registry.begin(quarter, bucket, number, self.clock(), snapshot, self.code)
        return number

    def seal(self, quarter: Quarter, manifest: BucketManifest) -> None:
        """Seal a revision that was begun, all of whose parts were read back.

        Raises:
            DamagedManifestError: the manifest did not come back as it was put.
        """
        folder, data = self.folder(quarter, manifest.bucket), manifest.to_json()
        sha256, key = digest(data), f"{folder}/{manifest_name(manifest.revision)}"
        self.registry.verified(quarter, manifest, sha256)
        self.store.put_if_absent(key, data, storage_class="STANDARD_IA")
        if digest(self.store.get(key)) != sha256:
            again = command("run", self.app, self.table, quarter)
            raise DamagedManifestError(key, "another manifest is there than the one that was written", again)
        self.registry.seal(quarter, manifest.bucket, manifest.revision, sha256, self.clock())
        self._sweep(folder, manifest)

    def settle(self, quarter: Quarter) -> None:
        """Seal what a killed run left where its manifest is there; forget the rest, which is then made again."""
        for left in self.registry.unsettled(quarter):
            folder = self.folder(quarter, left.bucket)
            key = f"{folder}/{manifest_name(left.number)}"
            sha256 = left.manifest_sha256
            data = self.store.get(key) if sha256 is not None and self.store.exists(key) else b""
            if sha256 is not None and digest(data) == sha256:
                self.registry.seal(quarter, left.bucket, left.number, sha256, self.clock())
                self._sweep(folder, parse(data))
            else:
                self.registry.forget(quarter, left.bucket, left.number)

    def _sweep(self, folder: str, manifest: BucketManifest) -> None:
        """Delete parts that the newest manifest does not name: a killed run put them, or they were replaced."""
        named = {f"{folder}/{part.name}" for part in manifest.parts}
        listed = [info.key for info in self.store.list(folder)]
        self.store.delete(k for k in listed if k.rpartition("/")[2].startswith("part-") and k not in named)
