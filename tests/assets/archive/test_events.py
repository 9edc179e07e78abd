"""Events of a quarter in an archive: the same rows, sealed once, further parts for late ones."""

import gzip
import hashlib
import json
from datetime import UTC, datetime

import pytest

from assets.archive.quarters import Quarter
from assets.archive.registry import ArchiveRegistry
from assets.archive.write import NotDueError
from tests.assets.archive.vault import QUARTER, Vault


def test_a_quarter_comes_back_equal_after_it_was_pruned(vault: Vault) -> None:
    for org in ("a3f7c2", "b/8e.9 d1"):
        for day in (1, 2, 31):
            vault.happen(7, org, day, page_title='Käse – "gut"\n', event_value=0.1)
    before = vault.live()

    done = vault.archive()
    vault.prune()
    assert not vault.live()
    restored = vault.restore(into="live")

    assert (done.sealed, done.rows, restored.rows, restored.added) == (2, 42, 42, 42)
    assert vault.live() == before
    assert vault.restore(into="live").added == 0
    assert vault.live() == before
    assert {key.split("/")[4] for key in vault.parts()} == {"a3f7c2", "b%2F8e.9%20d1"}


def test_a_restore_aside_leaves_the_live_table_alone(vault: Vault) -> None:
    vault.happen(5)
    vault.happen(3, "b8e9d1")
    before = vault.live()
    vault.archive()

    assert vault.restore(bucket="b8e9d1").added == 3
    assert vault.restore(bucket="b8e9d1").added == 0
    assert vault.live() == before
    assert sum(vault.live("events_restored").values()) == 3
    assert vault.restore().added == 5
    assert vault.live("events_restored") == before


def test_a_second_run_changes_nothing(vault: Vault) -> None:
    vault.happen(5)
    vault.archive()
    objects = vault.parts() + vault.manifests()

    again = vault.archive()

    assert (again.sealed, again.parts, again.unchanged) == (0, 0, 1)
    assert vault.parts() + vault.manifests() == objects


def test_late_rows_are_a_further_part_and_a_further_manifest(vault: Vault) -> None:
    vault.happen(5)
    vault.happen(4, day=2)
    vault.archive()
    first = {key: vault.store.get(key) for key in vault.parts() + vault.manifests()}
    vault.happen(2, day=2)

    late = vault.archive()

    assert (late.sealed, late.parts, late.rows) == (1, 1, 2)
    assert {key: vault.store.get(key) for key in first} == first
    assert len(vault.parts()) == 2
    assert [key.rpartition("/")[2] for key in vault.manifests()] == ["manifest-000001.json", "manifest-000002.json"]
    (sealed,) = ArchiveRegistry(vault.postgres, "clearlift", "events").sealed(QUARTER)
    assert (sealed.number, sealed.rows, sealed.rows_added, sealed.parts) == (2, 11, 2, 2)
    before = vault.live()
    vault.prune()
    assert vault.restore(into="live").added == 11
    assert vault.live() == before


def test_rows_that_come_after_a_day_was_pruned_are_late_rows_too(vault: Vault) -> None:
    vault.happen(5)
    vault.archive()
    everything = vault.live()
    vault.prune()
    assert vault.archive().sealed == 0
    vault.happen(3)
    everything += vault.live()

    assert vault.archive().rows == 3
    vault.prune()
    assert vault.restore(into="live").added == 8
    assert vault.live() == everything


def test_parts_are_of_bounded_size_and_their_rows_add_up(vault: Vault) -> None:
    vault.part_bytes = 20_000
    for day in range(1, 11):
        vault.happen(20, day=day)
    before = vault.live()

    done = vault.archive()

    assert done.parts == len(vault.parts()) >= 10
    assert done.line_bytes / done.parts < 2 * vault.part_bytes
    vault.prune()
    vault.restore(into="live")
    assert vault.live() == before
    assert (vault.verify().rows, vault.verify().faults) == (200, [])


def test_gzip_json_and_sha256_are_all_that_a_reader_needs(vault: Vault) -> None:
    vault.part_bytes = 5_000
    ids = [n for day in (1, 2, 3) for n in vault.happen(5, day=day, event_value=2.5)]
    vault.archive()
    (key,) = vault.manifests()
    manifest = json.loads(vault.store.get(key))
    found: list[bytes] = []
    for part in manifest["parts"]:
        packed = vault.store.get(f"{key.rpartition('/')[0]}/{part['name']}")
        assert hashlib.sha256(packed).hexdigest() == part["sha256"]
        found += gzip.decompress(packed).splitlines()
    total = sum(int.from_bytes(hashlib.sha256(line).digest()[:16]) for line in found) % 2**128
    assert (f"{total:032x}", len(found)) == (manifest["checksum"], manifest["rows"])
    assert sorted(json.loads(line)["event_id"] for line in found) == ids
    assert [c["name"] for c in manifest["columns"]] == list(json.loads(found[0]))
    assert (manifest["snapshot"], manifest["bucket"]) == (str(vault.events.head()[0]), "a3f7c2")


def test_only_a_quarter_that_is_old_enough_is_archived(vault: Vault) -> None:
    vault.now = datetime(2026, 6, 29, 23, 59, tzinfo=UTC)
    with pytest.raises(NotDueError, match="2026Q1 of clearlift events is archived once its last row is 90 days old"):
        vault.archive()
    vault.now = datetime(2026, 6, 30, tzinfo=UTC)
    assert vault.archive().sealed == 0
    with pytest.raises(NotDueError):
        vault.archive(quarter=Quarter(2026, 2))


def test_rows_of_other_quarters_stay_out(vault: Vault) -> None:
    vault.happen(2)
    assert vault.archive(quarter=Quarter(2025, 4)).rows == 0
    assert not vault.parts()
