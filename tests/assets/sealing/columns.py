"""Columns that are sealed, each with a row, and the application that reads and writes it. No fixtures here."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assets.apps import APPS
from assets.apps.personal import ROW
from assets.sealing.d1 import D1Fields
from assets.sealing.fields import Change, Field, FieldRow, fields_of
from assets.sealing.lookup import ids_of
from resources import migrations
from resources.d1 import D1, EmbeddedD1, Param
from resources.keyring import Keyring
from resources.keyring.addresses import normalised

RING = Keyring({1: b"1" * 32})
BY_NAME = {app.name: app for app in APPS}
FIELDS = {f"{app.name} {field}": field for app in APPS for field in fields_of(app, "d1")}
ROWS = {
    "clearlift": """insert into users (id, email, issuer, access_sub) values ('u1', 'u1@x.example', 'i', 's1');
        insert into users (id, email, issuer, access_sub) values ('u2', 'u2@x.example', 'i', 's2');
        insert into sessions (token, user_id, expires_at) values ('t', 'u1', '2027-01-01');
        insert into organizations (id, name, slug) values ('o', 'O', 'o');
        insert into platform_connections (id, organization_id, platform, account_id, connected_by)
        values ('c', 'o', 'google', '1', 'u1');
        insert into invitations (id, organization_id, email, token, expires_at, invited_by)
        values ('n', 'o', 'n@x.example', 't', '2027-01-01', 'u1')""",
    "sesh": """insert into users (id, email) values ('u1', 'u1@x.example');
        insert into users (id, email) values ('u2', 'u2@x.example');
        insert into medical_symptoms (id, userId, symptom, timestamp)
        values ('m', 'u1', 'pain', '2026-03-20T21:00:00.000Z');
        insert into journal_entries (id, userId, content, timestamp)
        values ('j', 'u1', 'Slept', '2026-03-20T21:00:00.000Z')""",
    "consignment": """insert into consignors (id, user_id, name, email, created_at, updated_at)
        values (7, 'u1', 'A', 'a@x.example', '2026-03-20T21:00:00.000Z', '2026-03-20T21:00:00.000Z')""",
}


def database(path: Path, app: str) -> EmbeddedD1:
    """A migrated D1 of an app with a row in each table that has a sealed column."""
    d1 = EmbeddedD1(path / f"{app}.sqlite")
    migrations.up(migrations.D1AppliedMigrations(d1), f"{app}/d1")
    for statement in ROWS[app].split(";"):
        d1.execute(statement)
    return d1


@dataclass
class Column:
    """One column of one row, as an application that knows nothing of sealing writes it, and one that does reads it."""

    d1: D1
    field: Field
    ring: Keyring = RING

    @property
    def row(self) -> dict[str, Any]:
        return self.d1.query(f"select * from {self.field.table} order by {self.field.rule.row} limit 1")[0]

    @property
    def id(self) -> Param:
        found: Param = self.row[self.field.rule.row]
        return found

    @property
    def blank(self) -> Param:
        return self.id if self.field.rule.blank == ROW else self.field.rule.blank

    @property
    def is_json(self) -> bool:
        return bool(self.field.rule.fields) or self.field.rule.blank == "{}"

    def form(self, word: str) -> str:
        """A word as the column has it."""
        if self.field.rule.fields:
            return json.dumps({"oauth": {"token": word}})
        return json.dumps({"word": word}) if self.is_json else word

    def write(self, value: str) -> None:
        """Write in clear, and know nothing of what is sealed."""
        self.set(**{self.field.rule.column: value})

    def set(self, **values: Param) -> None:
        names = ", ".join(f"{name} = ?" for name in values)
        self.d1.execute(
            f"update {self.field.table} set {names} where {self.field.rule.row} = ?", [*values.values(), self.id]
        )

    def write_sealed(self, value: str) -> None:
        """Write as docs/sealing.md says: sealed value, index and blank at once."""
        rule, ring = self.field.rule, self.ring
        place = {**self.field.place, "row": str(self.id)}
        blank: Param = "{}" if rule.fields else self.blank
        values: dict[str, Param] = {rule.column: blank, rule.into: ring.seal_text(value, **place)}
        if rule.index:
            values[rule.index] = ring.index(normalised(value), **self.field.place)
        self.set(**values)

    def read(self) -> str | None:
        """Read as docs/sealing.md says: what is in clear counts."""
        rule, row = self.field.rule, self.row
        clear, sealed = row[rule.column], row[rule.into]
        if not rule.fields and clear != self.blank:
            return str(clear)
        value = sealed and self.ring.open_text(sealed, **self.field.place, row=str(self.id))
        if not rule.fields:
            return value or None
        document = {**json.loads(value or "{}"), **json.loads(clear)}
        return json.dumps(document) if document else None

    def found_by(self, address: str) -> bool:
        return ids_of(D1Fields(self.d1), self.field, self.ring, address) == [str(self.id)]


class Interrupted:
    """A FieldStore that lets somebody else work before each of its calls, and at the end of the last page."""

    def __init__(self, store: D1Fields, before_call: Callable[[], None]) -> None:
        self._store = store
        self._before_call = before_call

    def in_clear(self, field: Field) -> Iterator[list[FieldRow]]:
        self._before_call()
        for rows in self._store.in_clear(field):
            self._before_call()
            yield rows

    def old(self, field: Field, key_id: int) -> Iterator[list[FieldRow]]:
        self._before_call()
        for rows in self._store.old(field, key_id):
            self._before_call()
            yield rows

    def count_in_clear(self, field: Field) -> int:
        self._before_call()
        return self._store.count_in_clear(field)

    def read(self, field: Field, ids: Sequence[str | int]) -> list[FieldRow]:
        self._before_call()
        return self._store.read(field, ids)

    def note(self, field: Field, changes: Sequence[Change]) -> int:
        self._before_call()
        return self._store.note(field, changes)

    def blank(self, field: Field, changes: Sequence[Change]) -> int:
        self._before_call()
        return self._store.blank(field, changes)

    def seal_again(self, field: Field, changes: Sequence[Change]) -> int:
        self._before_call()
        return self._store.seal_again(field, changes)

    def keys(self, field: Field) -> Any:
        self._before_call()
        return self._store.keys(field)

    def found(self, field: Field, address: str, indexes: Sequence[str]) -> list[FieldRow]:
        return self._store.found(field, address, indexes)
