"""The people and organisations of an erasure, as rows, lines and texts are compared with them. Pure.

What belongs here: whether a value is of theirs, whether a text names them, what takes the place of such a text. What
does not: where rows and lines lie.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import quote, quote_plus

import polars as pl

from assets.apps.personal import Person, Subject
from assets.privacy.identity import Identity
from assets.rows.columns import RowColumn, text_of

# A shorter id stands in texts by chance. Where a whole value is the id of a person, its length does not matter.
SHORTEST = 4
# What ends in a letter or a digit and is no part of a word: `%3D`, `\u003d`, `\n`.
_ESCAPE = re.compile(r"(?:%[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\[bfnrt])$")


@dataclass(frozen=True)
class ErasedPeople:
    """All who are erased together from one app. The repr shows none of them.

    ids: by the kind of person. organisations: ids and tags of organisations that go as a whole. texts: what else names
    somebody.
    """

    ids: Mapping[Person, frozenset[str]] = field(repr=False)
    organisations: frozenset[str] = field(repr=False)
    texts: frozenset[str] = field(repr=False)

    @classmethod
    def of(cls, identities: Iterable[Identity], app: str) -> "ErasedPeople":
        """Those of the app among some identities."""
        ids: dict[Person, frozenset[str]] = {}
        organisations, texts = frozenset[str](), frozenset[str]()
        for identity in identities:
            if identity.app == app:
                organisations |= identity.organisation
                texts |= identity.texts
                for kind, of_kind in identity.ids.items():
                    ids[kind] = ids.get(kind, frozenset()) | (of_kind - {""})
        return cls(ids, organisations - {""}, texts - {""})

    def __bool__(self) -> bool:
        return bool(self.organisations or self.texts or any(self.ids.values()))

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
        return pl.any_horizontal(terms) if terms else pl.lit(value=False)

    def own(self, values: Mapping[str, Any], subjects: Sequence[Subject], tenant: str = "") -> bool:
        """The same for the fields of one line."""
        named = [(path, self.ids.get(kind, frozenset())) for kind, path in subjects]
        return any(_value_of(values, path) in ids for path, ids in [*named, (tenant, self.organisations)])

    @cached_property
    def whole(self) -> frozenset[str]:
        """All that is theirs as a whole value, however short."""
        return self.organisations.union(*self.ids.values())

    def suspected(self, text: pl.Expr) -> pl.Expr:
        """Whether a text may name them: true for each that `name` says it of, and for some others. Never null."""
        if not self._spellings:
            return pl.lit(value=False)
        return text.str.contains_any(list(self._spellings)).fill_null(value=False)

    def name(self, text: str) -> bool:
        """Whether a text names them. An id within a longer word is another id."""
        return any(_stands_in(spelling, text) for spelling in self._spellings if spelling in text)

    def suspected_in(self, lines: Sequence[bytes]) -> list[int]:
        """The places in a list of lines, or other bytes, that may be of them or name them: all that are, and others."""
        if any(len(name) < SHORTEST for name in self.whole):
            return list(range(len(lines)))
        if not self._as_bytes:
            return []
        texts = pl.Series([line.decode("latin-1") for line in lines], dtype=pl.String)
        return texts.str.contains_any(list(self._as_bytes)).arg_true().to_list()

    def named_in(self, data: bytes) -> bool:
        """Whether bytes, in which ASCII stands as it is, name them."""
        text = data.decode("latin-1")
        return any(_stands_in(spelling, text) for spelling in self._as_bytes if spelling in text)

    @cached_property
    def _spellings(self) -> tuple[str, ...]:
        """How ids and texts can stand in a text of UTF-8."""
        names = self.whole | self.texts
        return tuple(sorted({spelling for name in names if len(name) >= SHORTEST for spelling in spellings(name)}))

    @cached_property
    def _as_bytes(self) -> tuple[str, ...]:
        return tuple(spelling.encode().decode("latin-1") for spelling in self._spellings)


def spellings(name: str) -> set[str]:
    """A name as it is, escaped for JSON once and twice, and percent-encoded once and twice."""
    plain = name.strip()
    once = _escaped({plain})
    encoded = {quote(plain, safe=""), quote(plain, safe="@+"), quote(plain), quote_plus(plain)}
    encoded |= {re.sub("%..", lambda found: found[0].lower(), text) for text in encoded}
    return {plain, *once, *_escaped(once), *encoded, *(quote(text, safe="") for text in encoded)}


def replacement(text: str) -> str:
    """What takes the place of a text that must not be empty: another one for another text, always the same.

    A JSON object or array becomes an empty one, so that it can still be read.
    """
    with suppress(ValueError):
        if isinstance(document := json.loads(text), dict | list):
            return json.dumps(type(document)())
    return f"erased-{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def _escaped(texts: Iterable[str]) -> set[str]:
    escaped = {json.dumps(text, ensure_ascii=ascii_only)[1:-1] for text in texts for ascii_only in (True, False)}
    return escaped | {re.sub(r"\\u[0-9a-f]{4}", lambda at: f"\\u{at[0][2:].upper()}", text) for text in escaped}


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


def _stands_in(spelling: str, text: str) -> bool:
    """Whether a spelling stands in a text as a word of its own."""
    at = text.find(spelling)
    while at >= 0:
        before, after = text[max(0, at - 6) : at], text[at + len(spelling) : at + len(spelling) + 1]
        goes_before = _is_word(before[-1:] + spelling[:1]) and not _ESCAPE.search(before)
        if not goes_before and not _is_word(spelling[-1:] + after):
            return True
        at = text.find(spelling, at + 1)
    return False


def _is_word(text: str) -> bool:
    """Whether two characters stand within one word."""
    return len(text) == 2 and text.isascii() and text.isalnum()
