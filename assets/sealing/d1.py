"""Sealed columns of a D1: a `FieldStore`."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from string import Template

from assets.apps.personal import ROW
from assets.sealing.fields import LONGEST, NOTED, Change, Field, FieldRow, key_heads, key_of_head
from resources.d1 import D1, Statement
from resources.d1.database import Row
from resources.sql_files import read_sql

PAGE = 500
STATEMENT_CHARACTERS = 800_000  # of the JSON that one statement is given; D1 takes 2,000,000 bytes


class D1Fields:
    """See FieldStore. Values travel as one parameter of JSON; texts that are compared in hex, because of NUL."""

    def __init__(self, d1: D1, *, page: int = PAGE) -> None:
        self._d1 = d1
        self._page = page

    def in_clear(self, field: Field) -> Iterator[list[FieldRow]]:
        """See FieldStore.in_clear; texts that are too long are left out."""
        for rows in self._d1.stream(_statement("in_clear", field), "id", page=self._page, params=[LONGEST]):
            yield _rows(rows)

    def count_in_clear(self, field: Field) -> int:
        """See FieldStore.count_in_clear."""
        (row,) = self._d1.query(_statement("count_in_clear", field))
        return int(row["n"])

    def read(self, field: Field, ids: Sequence[str | int]) -> list[FieldRow]:
        """See FieldStore.read."""
        return _rows(self._d1.query(_statement("read", field), [json.dumps(ids)]))

    def old(self, field: Field, key_id: int) -> Iterator[list[FieldRow]]:
        """See FieldStore.old."""
        heads = json.dumps([mark + head for head in key_heads(key_id) for mark in ("", NOTED)])
        params = [heads, f"{key_id}."]
        for rows in self._d1.stream(_statement("old", field), "id", page=self._page, params=params):
            yield _rows(rows)

    def note(self, field: Field, changes: Sequence[Change]) -> int:
        """See FieldStore.note."""
        return self._write(field, changes, _sealed(field), _clear_stays(field))

    def blank(self, field: Field, changes: Sequence[Change]) -> int:
        """See FieldStore.blank."""
        blanked = f"{field.rule.column} = {_blanked(field)}, {field.rule.into} = incoming.after"
        return self._write(field, changes, blanked, _clear_stays(field))

    def seal_again(self, field: Field, changes: Sequence[Change]) -> int:
        """See FieldStore.seal_again."""
        return self._write(field, changes, _sealed(field))

    def keys(self, field: Field) -> Mapping[int | None, int]:
        """See FieldStore.keys."""
        found: Counter[int | None] = Counter()
        for row in self._d1.query(_statement("keys", field)):
            found[key_of_head(row["head"])] += row["n"]
        if field.rule.index:
            for row in self._d1.query(_statement("index_keys", field)):
                found[int(row["key_id"])] += row["n"]
        return found

    def found(self, field: Field, address: str, indexes: Sequence[str]) -> list[FieldRow]:
        """See FieldStore.found."""
        return _rows(self._d1.query(_statement("found", field), [json.dumps(indexes), address]))

    def _write(self, field: Field, changes: Sequence[Change], sets: str, stays: str = "true") -> int:
        if not changes:
            return 0
        statement, written = _statement("write", field, sets=sets, stays=stays), 0
        part: list[list[str | int | None]] = []
        size = 0
        for change in changes:
            clear = None if change.before.clear is None else change.before.clear.encode().hex()
            values = [change.before.id, clear, change.sealed_before, change.sealed, change.index]
            length = sum(len(str(value)) for value in values)
            if part and size + length > STATEMENT_CHARACTERS:
                written += self._written(statement, part)
                part, size = [], 0
            part.append(values)
            size += length
        return written + self._written(statement, part)

    def _written(self, statement: str, part: list[list[str | int | None]]) -> int:
        # Counted by rows that come back, because D1's own count has what triggers changed too.
        (result,) = self._d1.batch([Statement(statement, [json.dumps(part)])], idempotent=True)
        return len(result.rows)


def _rows(rows: Sequence[Row]) -> list[FieldRow]:
    return [FieldRow(row["id"], row["clear"], row["sealed"]) for row in rows]


def _sealed(field: Field) -> str:
    index = f", {field.rule.index} = incoming.lookup" if field.rule.index else ""
    return f"{field.rule.into} = incoming.after{index}"


def _clear_stays(field: Field) -> str:
    return f"{field.table}.{field.rule.column} is cast(unhex(incoming.clear) as text)"


def _statement(name: str, field: Field, **parts: str) -> str:
    rule = field.rule
    column, blanked = rule.column or "null", _blanked(field)
    in_clear = f"{column} <> {blanked}" if blanked != "null" else f"{column} is not null"
    if rule.fields:
        in_clear = " or ".join(f"json_type({column}, {path}) is not null" for path in _paths(field))
    return Template(read_sql(f"sealing/d1/{name}.sql")).substitute(
        parts,
        table=field.table,
        row=rule.row,
        column=column,
        sealed=rule.into,
        index=rule.index or "null",
        has_index="true" if rule.index else "false",
        in_clear=f"({in_clear})",
    )


def _blanked(field: Field) -> str:
    """What takes the place of a value in clear."""
    rule = field.rule
    if rule.fields:
        return f"json_remove({rule.column}, {', '.join(_paths(field))})"
    if rule.blank == ROW:
        return f"{field.table}.{rule.row}"
    return "null" if rule.blank is None else "'" + rule.blank.replace("'", "''") + "'"


def _paths(field: Field) -> list[str]:
    return [f"'$.{name}'" for name in field.rule.fields]
