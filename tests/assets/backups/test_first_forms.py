"""Sets in the first form of what they say, which later releases read; another form ends with a next step."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from assets.apps.consignment import APP
from assets.backups.d1 import D1Backups
from assets.backups.manifest import FORMAT, FormError, Kind, Manifest, of_form, parse
from assets.backups.method import Contents, Scope
from assets.backups.objects import Entry
from assets.backups.parts import DamagedSetError, Draft
from assets.backups.postgres_database import Description
from assets.backups.postgres_logical import DATABASE, SetOfRows
from assets.backups.sets import seal
from assets.backups.target import StoreName, Target, new_id
from resources.d1 import EmbeddedD1
from tests.assets.backups import planted

STORE = StoreName("growth", "postgres")
DESCRIBED = {
    "migrated": 3,
    "columns": {"marketing.leads": ["id", "email"]},
    "sequences": [["marketing.s", 7, 1, "marketing.leads"]],
    "partitions": [["marketing.p", "marketing.leads", "marketing.leads", "default", None]],
    "objects": ["table marketing.leads"],
    "missing": {},
}
MANIFEST = {
    "format": 1,
    "app": "growth",
    "store": "postgres",
    "id": "20261130T020000Z-full-0",
    "kind": "full",
    "base": None,
    "since": None,
    "until": "1:1:",
    "moment": "2026-11-30T02:00:00Z",
    "code_version": "0.1.0",
    "schema": "",
    "tables": [{"name": "marketing.leads", "rows": 1, "checksum": "0"}],
    "parts": [{"name": "part-1", "file": "f", "size": 1, "sha256": "0", "key_id": 1, "table": "", "set_id": ""}],
    "facts": {},
}
ENTRY = {"key": "archive/a", "size": 1, "etag": "e", "sha256": "0"}


@pytest.fixture
def target(tmp_path: Path) -> Target:
    return planted.target(tmp_path / "r2")


def said(target: Target, description: object) -> SetOfRows:
    """A set of a database that says this of it."""
    now = datetime.now(UTC)
    draft = Draft(target, STORE, new_id(now, Kind.FULL))
    draft.write(DATABASE, json.dumps(description).encode())
    return SetOfRows(target, seal(draft, Contents(Kind.FULL, until="1:1:", moment=now), "0.1.0"))


def test_the_first_form_of_all_that_lies_in_sets_is_read(target: Target) -> None:
    manifest = parse(json.dumps(MANIFEST).encode())
    assert (FORMAT, manifest.tables[0].rows) == (1, 1)
    assert said(target, DESCRIBED).description.columns == {"marketing.leads": ("id", "email")}
    assert of_form(json.dumps(ENTRY).encode(), Entry, manifest, "inventory").key == "archive/a"


@pytest.mark.parametrize(
    ("form", "first"), [(Description, DESCRIBED), (Entry, ENTRY), (Manifest, MANIFEST)], ids=lambda one: str(one)[:20]
)
def test_every_field_that_was_added_to_a_form_has_a_default(form: type, first: dict[str, object]) -> None:
    needed = {field.name for field in msgspec.structs.fields(form) if field.required}
    assert needed <= first.keys()


def refusals(target: Target, tmp_path: Path) -> Iterator[tuple[str, pytest.ExceptionInfo[FormError]]]:
    """What a set says that is of no known form, and the error of who reads it."""
    with pytest.raises(FormError) as error:
        _ = said(target, {**DESCRIBED, "columns": None}).description
    yield DATABASE, error
    method = D1Backups(APP, EmbeddedD1(tmp_path / "d1.sqlite"), lambda: planted.NOON)
    now = datetime.now(UTC)
    for schema, missing in ((b'[{"kind": "table"}]', "schema"), (b"[]", "sequences")):
        draft = Draft(target, method.store, new_id(now, Kind.FULL))
        for file, content in (("schema", schema), ("backup_log", b""), ("long rows", b"")):
            draft.write(file, content)
        made = seal(draft, Contents(Kind.FULL, until="0", moment=now), "0.1.0")
        with pytest.raises(FormError) as error:
            method.restore(target, (made,), EmbeddedD1(tmp_path / "place.sqlite"), Scope())
        yield missing, error


def test_another_form_is_an_error_that_says_what_to_do(target: Target, tmp_path: Path) -> None:
    for what, error in refusals(target, tmp_path):
        assert f"was made by release 0.1.0, which wrote {what} in another form" in error.value.reason
        assert "restore it with release 0.1.0; `clearlift backup run " in error.value.next_step
        assert not isinstance(error.value, DamagedSetError)
