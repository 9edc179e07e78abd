"""A sample of the sealed fields of a restored D1."""

from pathlib import Path

import pytest

from assets.apps.clearlift import APP as CLEARLIFT
from assets.apps.sesh import APP as SESH
from assets.backups.sealed_fields import opened
from resources import migrations
from resources.d1 import EmbeddedD1
from resources.keyring import Keyring, SealError
from sandbox import sample_stores

KEYS, OTHER = Keyring({1: b"k" * 32}), Keyring({1: b"l" * 32})


def test_sealed_fields_open_with_their_keys_alone(tmp_path: Path) -> None:
    d1 = EmbeddedD1(tmp_path / "restored.sqlite")
    migrations.up(migrations.D1AppliedMigrations(d1, "restored"), "clearlift/d1")
    sample_stores.fill_d1(d1)
    assert opened(CLEARLIFT, d1, KEYS) == 0, "no connection is sealed yet"
    (user,), (organisation,) = (
        [row["id"] for row in d1.query(f"select min(id) as id from {table}")] for table in ("users", "organizations")
    )
    for number in range(3):
        place = {"table": "platform_connections", "column": "settings_encrypted", "row": f"c{number}"}
        d1.execute(
            "insert into platform_connections (id, organization_id, platform, account_id, connected_by,"
            " settings_encrypted) values (?1, ?2, 'google', ?1, ?3, ?4)",
            [f"c{number}", organisation, user, KEYS.seal_text("{}", **place)],
        )
    assert opened(CLEARLIFT, d1, KEYS) == 3
    assert opened(SESH, d1, KEYS) == 0, "a database of before the columns"
    with pytest.raises(SealError, match="platform_connections"):
        opened(CLEARLIFT, d1, OTHER)
    d1.close()
