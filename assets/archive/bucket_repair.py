"""Repairing one bucket: its manifest, then the parts that it names.

What is tried for an object, in this order: a copy, the parts that are there (for a manifest), live rows, and, only
where it was asked for, to go on without it. What belongs here: this order. What does not: the ways themselves.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Literal

from assets.apps.lifecycle import Lifecycle
from assets.archive import parts
from assets.archive.copies import Copies
from assets.archive.layout import manifest_name
from assets.archive.live import LiveRows, Lost, NotLiveError
from assets.archive.manifest import BucketManifest, Part, instant, summed
from assets.archive.parts import DamagedPartError
from assets.archive.quarters import Quarter
from assets.archive.rebuild import (
    FoundPart,
    NotRebuiltError,
    check_order,
    chosen,
    described,
    found_parts,
    older_manifests,
)
from assets.archive.registry import Revision
from assets.archive.revisions import Revisions
from assets.archive.sealed import DamagedManifestError, checked_manifest, manifest_of
from assets.rows.columns import RowColumn
from assets.rows.source import Source
from resources.counts import counted

End = Literal["repaired", "given up", "not repaired"]


@dataclass(frozen=True)
class Finding:
    """A damaged object: what is wrong with it, how that ended, and by what or why."""

    key: str
    wrong: str
    end: End
    why: str


@dataclass(frozen=True)
class Means:
    """What a repair works with. dry_run, accept_loss: as in `repair.Repair`."""

    revisions: Revisions
    entry: Lifecycle
    open_source: Callable[[Quarter], Source]
    copies: Copies
    dry_run: bool
    accept_loss: bool
    part_bytes: int


class BucketRepair:
    """One sealed bucket on its way to being whole."""

    def __init__(self, means: Means, revision: Revision) -> None:
        self._means, self._revision = means, revision
        self._store = means.revisions.store
        self._folder = means.revisions.folder(revision.quarter, revision.bucket)
        self._findings: list[Finding] = []
        # Parts that came back from copies, which a dry run does not put.
        self._copied: dict[str, bytes] = {}

    def run(self) -> list[Finding]:
        """Repair the manifest, then the parts that it names."""
        try:
            manifest: BucketManifest | None = manifest_of(self._store, self._folder, self._revision)
        except DamagedManifestError as error:
            manifest = self._manifest_again(error.wrong)
        if manifest is not None:
            self._check_parts(manifest)
        return self._findings

    def _manifest_again(self, wrong: str) -> BucketManifest | None:
        """The manifest from a copy; None where another way repaired the bucket, or none did."""
        revision, key = self._revision, f"{self._folder}/{manifest_name(self._revision.number)}"
        assert revision.manifest_sha256 is not None  # it was sealed
        if copied := self._means.copies.of(key, revision.manifest_sha256):
            copy, data = copied
            manifest = checked_manifest(data, key, revision)
            if not self._means.dry_run:
                self._store.put(key, data, storage_class="STANDARD_IA")
                manifest = manifest_of(self._store, self._folder, revision)
            self._found(key, wrong, "repaired", f"from the copy {copy.origin}")
            return manifest
        before = older_manifests(self._store, self._folder, revision)
        found = found_parts(self._store, self._folder, self._means.copies, revision, before)
        with self._source() as source:
            columns, why_not = _columns(before, source), []
            try:
                self._from_parts(found, before, columns)
            except NotRebuiltError as error:
                why_not.append(str(error))
            else:
                self._found(key, wrong, "repaired", f"from its {counted(revision.parts or 0, 'part')}")
                return None
            try:
                self._all_from_live(source, before)
            except NotLiveError as error:
                why_not.append(str(error))
            else:
                self._found(key, wrong, "repaired", f"with its parts, from {counted(revision.rows or 0, 'live row')}")
                return None
        if self._means.accept_loss:
            columns, found = self._described(found, columns)
            self._put_copies(found)
            self._without_others(replace(self._unsealed(columns, before), parts=tuple(each.part for each in found)))
            lost = max(0, (revision.rows or 0) - sum(each.part.rows for each in found))
            self._found(key, wrong, "given up", f"made of {counted(len(found), 'whole part')}: {_lost(lost)}")
        else:
            self._found(key, wrong, "not repaired", "; ".join([*why_not, "no copy"]))
        return None

    def _check_parts(self, manifest: BucketManifest) -> None:
        wrong: dict[Part, str] = {}
        for part in manifest.parts:
            try:
                for _ in parts.read(self._store, self._folder, part, manifest.columns):
                    pass
            except DamagedPartError as error:
                if not self._part_from_copy(part, error.wrong):
                    wrong[part] = error.wrong
        if not wrong:
            return
        end: End = "repaired"
        try:
            whys = self._parts_from_live(manifest, list(wrong))
        except NotLiveError as error:
            end, whys = "not repaired", dict.fromkeys(wrong, f"{error}; no copy")
            if self._means.accept_loss:
                self._without_others(replace(manifest, parts=tuple(p for p in manifest.parts if p not in wrong)))
                end, whys = "given up", {part: f"left out: {_lost(part.rows)}" for part in wrong}
        for part, what in wrong.items():
            self._found(self._key(part), what, end, whys[part])

    def _part_from_copy(self, part: Part, wrong: str) -> bool:
        copied = self._means.copies.of(self._key(part), part.sha256)
        if copied is None:
            return False
        copy, self._copied[part.name] = copied
        self._put_copied(part)
        self._found(self._key(part), wrong, "repaired", f"from the copy {copy.origin}")
        return True

    def _parts_from_live(self, manifest: BucketManifest, lost: Sequence[Part]) -> dict[Part, str]:
        """Make parts again, as a further revision where their bytes are others. What each was made of, in words."""
        intact = [part for part in manifest.parts if part not in lost]
        newest = max(part.revision for part in lost)
        rows = Lost(
            self._revision.bucket,
            self._columns_of(newest, manifest),
            sum(part.rows for part in lost),
            summed(part.checksum for part in lost),
            min(part.since for part in lost),
            max(part.until for part in lost),
            newest,
            intact,
        )
        with self._source() as source:
            live = self._live(source)
            live.prove(rows)
            if not self._means.dry_run:
                made = live.put(rows, self._means.part_bytes)
                if {part.name for part in made} != {part.name for part in lost}:
                    self._seal(replace(manifest, parts=(*intact, *made), snapshot=source.snapshot))
        return {part: f"from {counted(part.rows, 'live row')}" for part in lost}

    def _from_parts(
        self, found: Sequence[FoundPart], before: Sequence[BucketManifest], columns: Sequence[RowColumn]
    ) -> None:
        """Seal a further revision of the parts that were sealed.

        Raises:
            NotRebuiltError: they are not all there.
        """
        sealed = chosen(found, self._revision)
        columns = described(sealed, columns, self._means.entry.store)
        check_order(sealed, before, columns, self._means.entry.key)
        self._put_copies(sealed)
        self._seal(replace(self._unsealed(columns, before), parts=tuple(each.part for each in sealed)))

    def _described(
        self, found: Sequence[FoundPart], columns: Sequence[RowColumn]
    ) -> tuple[Sequence[RowColumn], list[FoundPart]]:
        """The parts whose lines can be described, and their columns."""
        left = []
        for each in found:
            with suppress(NotRebuiltError):
                columns = described([each], columns, self._means.entry.store)
                left.append(each)
        return columns, left

    def _all_from_live(self, source: Source, before: Sequence[BucketManifest]) -> None:
        """Seal a further revision of all rows, from live ones.

        Raises:
            NotLiveError: they are not all live as they were archived.
        """
        revision = self._revision
        assert revision.rows is not None  # a sealed revision has all of this
        assert revision.checksum is not None
        window = revision.quarter.window
        everything = Lost(
            revision.bucket,
            source.columns,
            revision.rows,
            revision.checksum,
            instant(window.start),
            instant(window.end),
            revision.number,
        )
        live = self._live(source)
        live.prove(everything)
        if not self._means.dry_run:
            made = live.put(everything, self._means.part_bytes)
            manifest = self._unsealed(source.columns, before)
            self._seal(replace(manifest, parts=tuple(made), snapshot=source.snapshot))

    def _without_others(self, manifest: BucketManifest) -> None:
        """Seal a further revision of its parts alone. The bytes of others are kept beside them, under another name.

        The next archive run looks at all live rows of the bucket, because no slice is known.
        """
        if self._means.dry_run:
            return
        named = {part.name for part in manifest.parts}
        for key in [info.key for info in self._store.list(self._folder)]:
            name = key.rpartition("/")[2]
            if name.startswith("part-") and name not in named:
                self._store.copy(key, f"{self._folder}/damaged-{name}")
        self._seal(manifest, slices={})

    def _seal(self, manifest: BucketManifest, slices: dict[str, str] | None = None) -> None:
        if self._means.dry_run:
            return
        revisions, revision = self._means.revisions, self._revision
        number = revisions.begin(revision.quarter, revision.bucket, revision, manifest.snapshot)
        sealed = replace(
            manifest,
            revision=number,
            slices=dict(revision.slices) if slices is None else slices,
            code_version=revisions.code,
            made_at=revisions.now,
        )
        revisions.seal(revision.quarter, sealed)

    def _unsealed(self, columns: Sequence[RowColumn], before: Sequence[BucketManifest]) -> BucketManifest:
        """A manifest without parts, as the registry and older manifests know the bucket."""
        revision, entry = self._revision, self._means.entry
        return BucketManifest(
            app=self._means.revisions.app,
            table=entry.table,
            store=entry.store,
            quarter=str(revision.quarter),
            bucket=revision.bucket,
            revision=revision.number,
            columns=tuple(columns),
            key=entry.key,
            parts=(),
            snapshot=revision.snapshot or "",
            slices={},
            code_version="",
            made_at="",
            unknown=before[-1].unknown if before else {},
            unknown_of_columns=before[-1].unknown_of_columns if before else {},
        )

    def _columns_of(self, number: int, manifest: BucketManifest) -> Sequence[RowColumn]:
        """The columns that lines of a revision have, as far as a manifest still says it."""
        for older in older_manifests(self._store, self._folder, self._revision):
            if older.revision >= number:
                return older.columns
        return manifest.columns

    def _live(self, source: Source) -> LiveRows:
        policy = self._means.entry.archive
        assert policy is not None  # it is archived
        return LiveRows(source, self._revision.quarter, policy, self._store, self._folder, self._whole)

    def _whole(self, part: Part) -> bytes:
        copied = self._copied.get(part.name)
        return parts.checked_bytes(self._store, self._folder, part) if copied is None else copied

    def _put_copies(self, found: Sequence[FoundPart]) -> None:
        for each in found:
            if each.copied_from:
                self._copied[each.part.name] = each.packed
                self._put_copied(each.part)

    def _put_copied(self, part: Part) -> None:
        if not self._means.dry_run:
            self._store.put(self._key(part), self._copied[part.name], storage_class="STANDARD_IA")
            parts.checked_bytes(self._store, self._folder, part)

    @contextmanager
    def _source(self) -> Iterator[Source]:
        source = self._means.open_source(self._revision.quarter)
        try:
            yield source
        finally:
            source.close()

    def _key(self, part: Part) -> str:
        return f"{self._folder}/{part.name}"

    def _found(self, key: str, wrong: str, end: End, why: str) -> None:
        self._findings.append(Finding(key, wrong, end, why))


def _columns(before: Sequence[BucketManifest], source: Source) -> Sequence[RowColumn]:
    """The columns of older manifests, and those that the table got since."""
    known = {column.name: column for manifest in before for column in manifest.columns}
    return tuple({**{column.name: column for column in source.columns}, **known}.values())


def _lost(rows: int) -> str:
    return f"{counted(rows, 'archived row')} lost, except for those that are live"
