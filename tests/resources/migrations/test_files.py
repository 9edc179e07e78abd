"""Files that are refused: edited, missing, or no migrations."""

import hashlib
from pathlib import Path

import pytest

from resources import migrations, sql_files
from resources.migrations import MigrationError, State
from tests.resources.migrations.shop import FOLDER, Store, states


@pytest.mark.parametrize("which", ["up", "down"])
def test_an_edited_file_is_refused(shop: Store, files: Path, which: str) -> None:
    migrations.up(shop.applied, FOLDER, to=2)
    path = files / f"002_orders.{which}.sql"
    path.write_text(path.read_text() + "\n-- a later thought")
    before = shop.schema()
    for move in (migrations.up, migrations.down):
        with pytest.raises(MigrationError, match="002_orders was applied and its file is another now"):
            move(shop.applied, FOLDER)
    assert shop.schema() == before
    assert states(shop) == [State.APPLIED, State.EDITED, State.PENDING]


def test_line_ends_are_no_edit(shop: Store, files: Path) -> None:
    migrations.up(shop.applied, FOLDER)
    path = files / "002_orders.up.sql"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert migrations.up(shop.applied, FOLDER) == []


def test_a_missing_file_is_refused(shop: Store, files: Path) -> None:
    migrations.up(shop.applied, FOLDER)
    for path in files.glob("003_*"):
        path.unlink()
    assert states(shop) == [State.APPLIED, State.APPLIED, State.MISSING]
    for move in (migrations.up, migrations.down):
        with pytest.raises(MigrationError, match=r"003_index was .* file is missing\. Next: restore it"):
            move(shop.applied, FOLDER)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"004_x.up.sql": "select 1"}, r"004_x\.down\.sql is missing"),
        ({"003_other.up.sql": "select 1"}, "two migrations have number 003"),
        ({"005_x.up.sql": "select 1", "005_x.down.sql": "select 1"}, "migration 004 is missing, 005 is there"),
        ({"4_x.up.sql": "select 1"}, r"4_x\.up\.sql: a migration is named"),
        ({"004_X.up.sql": "select 1"}, r"004_X\.up\.sql: a migration is named"),
        ({"003_index.up.sql": "BEGIN;\nselect 1;\nCOMMIT;"}, "opens or ends a transaction"),
        ({"003_index.down.sql": "select 1;\n  rollback transaction ;"}, "opens or ends a transaction"),
    ],
)
def test_files_that_cannot_be_migrations(files: Path, change: dict[str, str], line: str) -> None:
    for name, text in change.items():
        (files / name).write_text(text)
    with pytest.raises(MigrationError, match=line):
        migrations.load(FOLDER)


def test_every_migration_of_the_house_can_be_loaded() -> None:
    for folder in {path.parent for path in sql_files.ROOT.rglob("*.up.sql")}:
        assert migrations.load(str(folder.relative_to(sql_files.ROOT)))


def test_a_checksum_is_of_both_files() -> None:
    one = migrations.Migration("f", 1, "n", "up", "down")
    assert one.checksum == hashlib.sha256(b"up\0down").hexdigest()
    assert str(one) == "001_n"
