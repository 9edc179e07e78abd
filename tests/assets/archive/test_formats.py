"""Manifests live longer than code: older formats are read, unknown fields are kept, newer formats are refused.

The folder format_1 holds what an earlier release sealed.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from assets.archive.copies import Copies, on_disk
from assets.archive.manifest import FORMAT, BucketManifest, ManifestError, NewerFormatError, digest, parse
from assets.archive.registry import ArchiveRegistry
from assets.archive.sealed import DamagedManifestError, NewerManifestError
from assets.archive.verify import verify
from tests.assets.archive.archive_stores import ArchiveStores
from tests.assets.archive.format_1.make import NOW, TABLES, held

SEALED = Path(__file__).parent / "format_1"
MANIFESTS = sorted(SEALED.glob("archive/**/manifest-*.json"))
INSERT = "insert into archive.revisions select * from jsonb_populate_record(null::archive.revisions, %s::jsonb)"
NEWER = "written by a newer release: version 2, this one reads up to 1"


@pytest.fixture
def old(archive_stores: ArchiveStores) -> ArchiveStores:
    """Stores with the archives of format 1, and nothing live."""
    archive_stores.now = NOW
    shutil.copytree(SEALED / "archive", archive_stores.folder / "archive")
    for row in json.loads((SEALED / "registry.json").read_text()):
        archive_stores.postgres.execute(INSERT, (json.dumps(row),))
    return archive_stores


def rewritten(stores: ArchiveStores, key: str, **fields: Any) -> dict[str, Any]:
    """Put a manifest with other fields in the place of one, as if it had been sealed so. The document."""
    document = {**json.loads(stores.store.get(key)), **fields}
    data = json.dumps(document).encode()
    before = digest(stores.store.get(key))
    stores.store.put(key, data)
    changed = stores.postgres.execute(
        "update archive.revisions set manifest_sha256 = %s where manifest_sha256 = %s", (digest(data), before)
    )
    assert changed == 1
    return document


def newest(stores: ArchiveStores, app: str, table: str) -> str:
    """The key of the newest manifest of a table's first bucket."""
    revision = ArchiveRegistry(stores.postgres, app, table).sealed()[0]
    (key,) = (
        key
        for key in stores.manifests()
        if key.startswith(f"archive/{app}/{table}/{revision.quarter}/{revision.bucket}/")
        and key.endswith(f"{revision.number:06}.json")
    )
    return key


@pytest.mark.parametrize(("app", "table"), TABLES)
def test_what_an_earlier_release_sealed_is_read_verified_and_restored(old: ArchiveStores, app: str, table: str) -> None:
    done = verify(old.store, old.postgres, app, table)
    expected = json.loads((SEALED / "rows.json").read_text())[f"{app} {table}"]
    assert (done.faults, done.rows) == ([], len(expected))
    assert done.rows > 1
    assert old.restore(app, table).added == len(expected)
    # A column that a table got since is null.
    names = expected[0].keys()
    assert [{name: row[name] for name in names} for row in held(old, app, table, "side")] == expected
    assert old.restore(app, table).added == 0


@pytest.mark.parametrize(("app", "table"), TABLES)
def test_what_an_earlier_release_sealed_is_repaired_and_grows(old: ArchiveStores, app: str, table: str) -> None:
    expected = json.loads((SEALED / "rows.json").read_text())[f"{app} {table}"]
    old.store.delete([key for key in old.manifests() if key.startswith(f"archive/{app}/{table}/")])
    done = old.repair(app, table)
    assert {found.end for found in done.findings} == {"repaired"}
    lost = next(key for key in old.parts() if key.startswith(f"archive/{app}/{table}/"))
    old.store.delete(lost)
    assert {found.end for found in old.repair(app, table, Copies(on_disk(SEALED))).findings} == {"repaired"}
    assert old.restore(app, table, "live" if table in ("events", "change_log") else "side").added == len(expected)
    if table in ("events", "change_log"):
        assert old.archive(app, table).rows == 0


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.parent.name)
def test_an_earlier_manifest_says_the_same_once_it_is_written_again(path: Path) -> None:
    manifest = parse(path.read_bytes())
    assert json.loads(manifest.to_json()) == json.loads(path.read_bytes())
    assert parse(manifest.to_json()) == manifest


def test_fields_of_a_later_release_are_kept_wherever_they_stand(old: ArchiveStores) -> None:
    key = newest(old, "clearlift", "events")
    document = json.loads(old.store.get(key))
    document["columns"][0]["since"] = "0.2"
    document["parts"][0]["cipher"] = {"key": 7}
    sent = rewritten(old, key, note=["ü"], columns=document["columns"], parts=document["parts"])

    assert verify(old.store, old.postgres, "clearlift", "events").faults == []
    # A further revision: late rows of the same bucket.
    old.happen(1, sent["bucket"])
    assert old.archive().rows == 1
    further = json.loads(old.store.get(newest(old, "clearlift", "events")))
    assert further["revision"] > sent["revision"]
    assert further["note"] == ["ü"]
    assert further["columns"][0] == sent["columns"][0]
    assert further["parts"][: len(sent["parts"])] == sent["parts"]
    assert verify(old.store, old.postgres, "clearlift", "events").faults == []


def test_a_newer_format_is_refused_by_its_number_and_is_no_damage(old: ArchiveStores) -> None:
    key = newest(old, "clearlift", "events")
    rewritten(old, key, format=FORMAT + 1)
    for work in (old.restore, old.repair, old.verify):
        with pytest.raises(NewerManifestError) as refused:
            work()
        assert str(refused.value) == f"{key}: {NEWER}. Next: upgrade, then run the same again"
    # With other bytes than those that were sealed it is damage after all.
    old.store.put(key, old.store.get(key).replace(b'"format": 2', b'"format": 3'))
    with pytest.raises(DamagedManifestError, match="not the manifest that was sealed"):
        old.restore()


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"format": 2}, NewerFormatError),
        ({"format": 0}, ManifestError),
        ({"format": "1"}, ManifestError),
        ({"format": True}, ManifestError),
        ({"rows": 9}, ManifestError),
        ({"parts": [1]}, ManifestError),
        ({"columns": [{"name": "x", "kind": "nothing", "type": "x"}]}, ManifestError),
    ],
)
def test_a_manifest_that_cannot_be_read_says_why(changed: dict[str, Any], error: type[Exception]) -> None:
    document = json.loads(MANIFESTS[0].read_bytes())
    with pytest.raises(error):
        parse(json.dumps({**document, **changed}).encode())
    assert isinstance(parse(json.dumps(document).encode()), BucketManifest)
