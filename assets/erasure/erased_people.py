"""The people and organisations of an erasure, as rows, lines and texts are compared with them. Pure.

What belongs here: whether a value is of theirs, whether a text names them, what takes the place of such a text. What
does not: where rows and lines lie, and how an id can be written (search).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import polars as pl
from typing_extensions import Buffer

from assets.apps.personal import Person, Subject
from assets.privacy.identity import Identity, within_of
from assets.rows.columns import RowColumn, text_of
from assets.search.needles import SHORTEST, Needles


@dataclass(frozen=True)
class ErasedPeople:
    """All who are erased together from one app. The repr shows none of them.

    ids: by the kind of person. organisations: ids and tags of organisations that go as a whole. within: as of Identity.
    needles: the search for all of them in texts, without ids that stand in texts by chance because they are short.
    """

    ids: Mapping[Person, frozenset[str]] = field(repr=False)
    organisations: frozenset[str] = field(repr=False)
    needles: Needles = field(repr=False)
    within: frozenset[str] = field(default=frozenset(), repr=False)

    @classmethod
    def of(cls, identities: Iterable[Identity], app: str) -> "ErasedPeople":
        """Those of the app among some identities."""
        own = [identity for identity in identities if identity.app == app]
        ids: dict[Person, frozenset[str]] = {}
        for identity in own:
            for kind, of_kind in identity.ids.items():
                ids[kind] = ids.get(kind, frozenset()) | (of_kind - {""})
        organisations = frozenset[str]().union(*(identity.organisation for identity in own))
        return cls(ids, organisations - {""}, Needles([_long(identity) for identity in own]), within_of(own))

    def __bool__(self) -> bool:
        return bool(self.whole)

    def owned(self, columns: Sequence[RowColumn], subjects: Sequence[Subject], tenant: str = "") -> pl.Expr:
        """Whether a row is of theirs: by ids in the columns of `subjects` (kind, and column or column.field where the
        column holds JSON), or by the organisation in the column `tenant`. Never null.
        """
        by_name = {column.name: column for column in columns}
        named = [(path, self.ids.get(kind, frozenset())) for kind, path in subjects]
        terms = []
        for path, ids in [*named, (tenant, self.organisations)]:
            name, _, of_json = path.partition(".")
            if ids and name in by_name:
                value = text_of(by_name[name])
                value = value.str.json_path_match(f"$.{of_json}") if of_json else value
                terms.append(value.is_in(sorted(ids)).fill_null(value=False))
        owned = pl.any_horizontal(terms) if terms else pl.lit(value=False)
        return owned & self.concerned(tenant) if self.within and tenant in by_name else owned

    def own(self, values: Mapping[str, Any], subjects: Sequence[Subject], tenant: str = "") -> bool:
        """The same for the fields of one line."""
        named = [(path, self.ids.get(kind, frozenset())) for kind, path in subjects]
        is_own = any(_value_of(values, path) in ids for path, ids in [*named, (tenant, self.organisations)])
        return is_own and self.concerns(values, tenant)

    def concerned(self, tenant: str) -> pl.Expr:
        """Whether a row may be of the organisation whose people they are, by its column `tenant`."""
        if not self.within:
            return pl.lit(value=True)
        return pl.col(tenant).is_in(sorted(self.within)).fill_null(value=True)

    def concerns(self, values: Mapping[str, Any], tenant: str) -> bool:
        """The same for the fields of one line. One without an organisation may be of any."""
        return not self.within or _value_of(values, tenant) in (None, *self.within)

    @cached_property
    def whole(self) -> frozenset[str]:
        """All that is theirs as a whole value, however short."""
        return self.organisations.union(*self.ids.values())

    def naming(self, texts: pl.Series) -> frozenset[str]:
        """Of some texts, those that name them."""
        written = texts.to_arrow(compat_level=pl.CompatLevel.oldest()).buffers()[-1]
        if written is None or not self._may_stand_in(written):
            return frozenset()
        return frozenset(text for text in texts.unique().drop_nulls() if self.name(text))

    def name(self, text: str) -> bool:
        """Whether a text names them. An id within a longer word is another id."""
        return self.named_in(text.encode(errors="surrogatepass"))

    def named_in(self, data: bytes) -> bool:
        """The same of the bytes of a text."""
        return self.needles.name_somebody(data)

    def suspected_in(self, lines: Sequence[bytes]) -> list[int]:
        """The places in a list of lines that may be of them or name them: all that do, and others."""
        if any(len(name) < SHORTEST for name in self.whole):
            return list(range(len(lines)))
        if not self._may_stand_in(b"\n".join(lines)):
            return []
        return [at for at, line in enumerate(lines) if self._may_stand_in(line)]

    def _may_stand_in(self, data: Buffer) -> bool:
        return self.needles.are_in(data)


def _long(identity: Identity) -> Identity:
    """An identity without what is too short to be looked for in texts."""

    def long(texts: frozenset[str]) -> frozenset[str]:
        return frozenset(text for text in texts if len(text.encode(errors="surrogatepass")) >= SHORTEST)

    ids = {kind: long(of_kind) for kind, of_kind in identity.ids.items()}
    return replace(identity, ids=ids, organisation=long(identity.organisation), texts=long(identity.texts))


def _value_of(values: Mapping[str, Any], path: str) -> str | None:
    """The value of a field as text, or of a field of the JSON in it."""
    name, _, of_json = path.partition(".")
    value = values.get(name)
    if of_json:
        try:
            document = json.loads(value) if isinstance(value, str) else value
        except ValueError:
            return None
        value = document.get(of_json) if isinstance(document, dict) else None
    return None if value is None else str(value)
