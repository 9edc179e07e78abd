"""What must be done about a part of a listing, compared with the ledger. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from assets.apps import Media
from assets.media import naming
from assets.media.containers import RefusalReason

State = Literal["wanted", "made", "quarantined", "gone"]


class Listed(Protocol):
    """An object in a listing."""

    @property
    def key(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def etag(self) -> str | None: ...


@dataclass(frozen=True)
class KnownImage:
    """An upload in the ledger. variants: their etags by name. kept: whether its bytes are in quarantine."""

    key: str
    etag: str
    state: State
    reason: str | None = None
    kept: bool = False
    variants: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Mark:
    """What the ledger must record of an upload: `wanted` or `gone`.

    reason: for a wanted upload, why it is refused for its name alone; for one that is gone, that another upload has the
    same image id, to which the variants belong.
    """

    key: str
    etag: str
    state: State
    reason: RefusalReason | None = None


def marks(media: Media, listed: Sequence[Listed], known: Mapping[str, KnownImage]) -> Iterator[Mark]:
    """Uploads that are new, were replaced, lack a variant or are gone. Both sides are of the same whole folders."""
    objects = {o.key: o for o in listed}
    owners = _owners(media, objects, known)
    mine = {naming.stem(key) for key in known}
    for key, upload in objects.items():
        if not naming.is_image(key):
            continue
        stem = naming.stem_of_variant(media, key)
        if stem is not None and (stem in owners or stem in mine):
            continue
        reason = _by_name(media, key, stem, owners)
        row = known.get(key)
        if row is not None and is_settled(media, upload, row, objects):
            continue
        mark = Mark(key, upload.etag or "", "wanted", reason)
        if row is None or (row.etag, row.state, row.reason) != (mark.etag, mark.state, mark.reason):
            yield mark
    for key, row in known.items():
        if key not in objects and row.state != "gone":
            # Its variants may belong to another upload with the same image id.
            yield Mark(key, "", "gone", RefusalReason.IMAGE_ID_TAKEN if naming.stem(key) in owners else None)


def is_settled(media: Media, upload: Listed, row: KnownImage, objects: Mapping[str, Listed]) -> bool:
    """Whether an upload has its own unchanged variants, or was refused and is empty now."""
    if row.state == "quarantined":
        return upload.size == 0
    return (
        row.state == "made"
        and row.etag == upload.etag
        and all(
            key in objects and objects[key].etag == row.variants.get(name)
            for name, key in naming.variants(media, upload.key).items()
        )
    )


def _owners(media: Media, objects: Mapping[str, Listed], known: Mapping[str, KnownImage]) -> dict[str, str]:
    """The upload to which an image id belongs, by stem: the one that had it before, else the first by name."""
    owners: dict[str, str] = {}
    for key in sorted(objects):
        if not naming.is_image(key) or naming.stem_of_variant(media, key) is not None:
            continue
        stem, row = naming.stem(key), known.get(key)
        has_it = row is not None and row.reason != RefusalReason.IMAGE_ID_TAKEN
        if stem not in owners or (has_it and owners[stem] not in known):
            owners[stem] = key
    return owners


def _by_name(media: Media, key: str, stem_of_variant: str | None, owners: Mapping[str, str]) -> RefusalReason | None:
    if stem_of_variant is not None:
        return RefusalReason.VARIANT_WITHOUT_UPLOAD
    if naming.is_too_long(media, key):
        return RefusalReason.NAME_TOO_LONG
    return None if owners[naming.stem(key)] == key else RefusalReason.IMAGE_ID_TAKEN
