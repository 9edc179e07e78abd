"""Sealed columns of a Postgres database: a `FieldStore`. A sealed value of bytes travels as base64 too."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from string import Template
from typing import Any

from assets.apps.personal import ROW
from assets.sealing.fields import LONGEST, NOTED, Change, Field, FieldRow, key_heads, key_of_head
from resources.postgres import Postgres
from resources.sql_files import read_sql

PAGE = 1_000


class PostgresFields:
    """See FieldStore. Ids are texts here, and become the type of their column in the statement."""

    def __init__(self, postgres: Postgres, *, page: int = PAGE) -> None:
        self._postgres = postgres
        self._page = page
        self._types: dict[tuple[str, str], str] = {}

    def in_clear(self, field: Field) -> Iterator[list[FieldRow]]:
        """See FieldStore.in_clear; texts that are too long are left out."""
        return self._pages("in_clear", field, {"longest": LONGEST})

    def count_in_clear(self, field: Field) -> int:
        """See FieldStore.count_in_clear."""
        (row,) = self._postgres.fetch(self._statement("count_in_clear", field))
        return int(row["n"])

    def read(self, field: Field, ids: Sequence[str | int]) -> list[FieldRow]:
        """See FieldStore.read."""
        return self._rows("read", field, {"ids": [str(one) for one in ids]})

    def old(self, field: Field, key_id: int) -> Iterator[list[FieldRow]]:
        """See FieldStore.old."""
        heads = [mark + head for head in key_heads(key_id) for mark in ("", NOTED)]
        return self._pages("old", field, {"heads": heads, "prefix": f"{key_id}."})

    def note(self, field: Field, changes: Sequence[Change]) -> int:
        """See FieldStore.note."""
        return self._write(field, changes, _sealed(field), _clear_stays(field))

    def blank(self, field: Field, changes: Sequence[Change]) -> int:
        """See FieldStore.blank."""
        blanked = f"{field.rule.column} = {_blanked(field)}, {field.rule.into} = {_after(field)}"
        return self._write(field, changes, blanked, _clear_stays(field))

    def seal_again(self, field: Field, changes: Sequence[Change]) -> int:
        """See FieldStore.seal_again."""
        return self._write(field, changes, _sealed(field))

    def keys(self, field: Field) -> Mapping[int | None, int]:
        """See FieldStore.keys."""
        found: Counter[int | None] = Counter()
        for row in self._postgres.fetch(self._statement("keys", field)):
            found[key_of_head(row["head"])] += row["n"]
        if field.rule.index:
            for row in self._postgres.fetch(self._statement("index_keys", field)):
                found[row["key_id"]] += row["n"]
        return found

    def found(self, field: Field, address: str, indexes: Sequence[str]) -> list[FieldRow]:
        """See FieldStore.found."""
        return self._rows("found", field, {"indexes": list(indexes), "address": address})

    def _pages(self, name: str, field: Field, params: Mapping[str, Any]) -> Iterator[list[FieldRow]]:
        after: str | None = None
        while rows := self._rows(name, field, {**params, "after": after, "rows": self._page}):
            yield rows
            after = str(rows[-1].id)

    def _rows(self, name: str, field: Field, params: Mapping[str, Any]) -> list[FieldRow]:
        rows = self._postgres.fetch(self._statement(name, field), params)
        return [FieldRow(row["id"], row["clear"], row["sealed"]) for row in rows]

    def _write(self, field: Field, changes: Sequence[Change], sets: str, stays: str = "true") -> int:
        if not changes:
            return 0
        params = {
            "ids": [str(change.before.id) for change in changes],
            "clear": [change.before.clear for change in changes],
            "before": [change.sealed_before for change in changes],
            "after": [change.sealed for change in changes],
            "lookup": [change.index for change in changes],
        }
        return self._postgres.execute(self._statement("write", field, sets=sets, stays=stays), params)

    def _statement(self, name: str, field: Field, **parts: str) -> str:
        rule = field.rule
        return Template(read_sql(f"sealing/postgres/{name}.sql")).substitute(
            parts,
            table=field.table,
            row=rule.row,
            type=self._type(field),
            column=rule.column or "null::text",
            sealed=rule.into,
            sealed_text=f"replace(encode({rule.into}, 'base64'), E'\\n', '')" if rule.binary else rule.into,
            index=rule.index or "null",
            has_index="true" if rule.index else "false",
            blank=_blanked(field),
        )

    def _type(self, field: Field) -> str:
        """The type of the column by which rows are named."""
        key = field.table, field.rule.row
        if key not in self._types:
            rows = self._postgres.fetch(read_sql("rows/postgres_columns.sql"), {"table": field.table})
            self._types[key] = next(row["type"] for row in rows if row["name"] == field.rule.row)
        return self._types[key]


def _sealed(field: Field) -> str:
    index = f", {field.rule.index} = incoming.lookup" if field.rule.index else ""
    return f"{field.rule.into} = {_after(field)}{index}"


def _after(field: Field) -> str:
    return "decode(incoming.after, 'base64')" if field.rule.binary else "incoming.after"


def _clear_stays(field: Field) -> str:
    return f"{field.table}.{field.rule.column} is not distinct from incoming.clear"


def _blanked(field: Field) -> str:
    """What takes the place of a value in clear."""
    rule = field.rule
    if rule.blank == ROW:
        return f"{field.table}.{rule.row}::text"
    return "null" if rule.blank is None else "'" + rule.blank.replace("'", "''") + "'"
