"""Texts that may name a person who was erased: paths, keys of objects, names of campaigns.

Of an erased person nothing is known but hashes, so that each part of a text which may be an id is asked for. What does
not belong here: who was erased (tombstones.py), lines with fields (erased_lines.py).
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING
from urllib.parse import unquote

from assets.apps.personal import ORGANISATION, Holding
from assets.privacy.replacement import replacement
from assets.privacy.tombstones import WITHIN, Tombstones

if TYPE_CHECKING:
    import polars as pl

    from assets.rows.columns import RowColumn

SHORTEST = 4
"""Characters. A shorter id is in too many texts that are about something else."""
MOST_KNOWN = 1_000_000
_PARTS = (re.compile(r"[\w-]+"), re.compile(r"[\w.@+:~-]+"), re.compile(r"[^\s\"'/?&=#,;(){}\[\]]+"))


class NamedPeople:
    """Whether texts name one who was erased. Parts that were asked for are known from then on."""

    def __init__(self, erased: Tombstones) -> None:
        self._erased = erased
        self._kinds = sorted({kind.removesuffix(WITHIN) for kind in erased.hashes} - {ORGANISATION})
        self._known: dict[tuple[str, str | None], bool] = {}

    def __bool__(self) -> bool:
        return bool(self._kinds)

    def are_in(self, text: str, organisation: str | None = None) -> bool:
        """Whether a text names one of them, as it is or percent-encoded. organisation: whose the text is.

        An id within a text is found where it has no spaces, slashes or quotes, or has them percent-encoded.
        """
        return bool(self) and any(self._is_one(part, organisation) for part in _parts(text))

    def _is_one(self, part: str, organisation: str | None) -> bool:
        asked = (part, organisation)
        if asked not in self._known:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[asked] = any(self._erased.holds(kind, part, organisation) for kind in self._kinds)
        return self._known[asked]


def _parts(text: str) -> Iterator[str]:
    for form in dict.fromkeys((text, unquote(text))):
        yield form
        for pattern in _PARTS:
            for part in pattern.findall(form):
                yield from (one for one in (part, unquote(part)) if len(one) >= SHORTEST)


def without_names(
    frame: "pl.DataFrame", columns: "Sequence[RowColumn]", entry: Holding, people: NamedPeople
) -> "pl.DataFrame":
    """Rows with another text in place of each that names erased people, in the columns where people leave traces."""
    # Commands that ask for tombstones start without polars.
    import polars as pl

    from assets.rows.columns import ColumnKind, text_of

    by_name = {column.name: column for column in columns}
    tenant = text_of(by_name[entry.organisation]) if entry.organisation in by_name else pl.lit(None, pl.String)
    for name in dict.fromkeys([*entry.personal.split(), *entry.traces.split()]):
        if name not in by_name or by_name[name].kind not in (ColumnKind.TEXT, ColumnKind.VALUE):
            continue
        is_json = by_name[name].kind is ColumnKind.VALUE
        pairs = frame.select(pl.col(name).alias("text"), tenant.alias("of"))
        named = []
        for stored, of in pairs.unique().drop_nulls("text").rows():
            text = json.loads(stored) if is_json else stored
            if isinstance(text, str) and people.are_in(text, of):
                other = replacement(text)
                named.append((stored, of, json.dumps(other) if is_json else other))
        if named:
            now = pl.DataFrame(named, {**pairs.schema, "now": pl.String}, orient="row")
            found = pairs.join(now, on=["text", "of"], how="left", nulls_equal=True, maintain_order="left")
            frame = frame.with_columns(pl.coalesce(found["now"], found["text"]).alias(name))
    return frame
