"""Invalidation: what hangs on a changed row is gone, nothing else is, and a kill anywhere is made good."""

import threading
from collections.abc import Iterable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from dagster import AssetCheckSeverity, materialize

from assets.apps import CacheAside
from assets.apps.sesh import APP as SESH
from assets.cache import invalidation_assets, keys
from assets.cache.invalidate import READER, Invalidated, invalidate
from assets.changes.change import Position
from assets.changes.d1 import D1ChangeLog
from resources.d1 import D1, EmbeddedD1
from resources.kv import KV
from tests.assets.cache.site import NOW, Site, hanging, rows
from tests.sql.sesh.database import last_id, put

HOSTILE = ["a:b", "a/b", "a", "%3A", "..", "x:profile", "é漢😀", "'; drop table users --", "{id}", "n\n", "ü" * 60]


def user(site: Site, id_: str) -> None:
    put(site.d1, "users", id=id_)
    put(site.d1, "inventory", id=f"stock of {id_}", userId=id_)


def test_what_hangs_on_a_changed_row_goes_and_all_else_stays(site: Site) -> None:
    user(site, "u1")
    user(site, "u2")
    site.invalidate()
    theirs = {f"user:{u}:{what}" for u in ("u1", "u2") for what in ("profile", "inventory", "preferences")}
    site.fill(theirs)
    site.d1.execute("update inventory set quantity = 2 where userId = 'u1'")
    assert site.invalidate().keys == 1
    assert site.keys() == theirs - {"user:u1:inventory"}

    site.d1.execute("update inventory set userId = 'u2' where userId = 'u1'")
    site.fill(theirs)
    assert site.invalidate().keys == 2
    assert site.keys() == theirs - {"user:u1:inventory", "user:u2:inventory"}

    site.fill(theirs)
    site.d1.execute("delete from users where id = 'u2'")
    site.invalidate()
    assert site.keys() == theirs - {"user:u2:inventory", "user:u2:profile"}


def test_a_second_run_has_nothing_to_read(site: Site) -> None:
    user(site, "u1")
    done = site.invalidate()
    assert (done.rows, done.keys) == (2, 2)
    site.fill(["user:u1:profile"])
    site.deleted.clear()
    assert site.invalidate() == Invalidated(0, 0, timedelta(0))
    assert (site.deleted, site.keys()) == ([], {"user:u1:profile"})


@pytest.mark.parametrize("other", HOSTILE)
def test_hostile_ids_lead_to_their_own_keys_and_no_others(site: Site, other: str) -> None:
    ids = [*HOSTILE, "b"]
    for id_ in ids:
        user(site, id_)
    site.invalidate()
    held = {key for (table, _), row in rows(site.d1).items() for key in hanging(table, row) if len(key) <= 512}
    assert len(held) == 2 * len(ids)
    site.fill(held)
    site.d1.execute("update users set displayName = 'changed' where id = ?", [other])
    site.invalidate()
    gone = held - site.keys()
    assert gone == {keys.filled("user:{id}:profile", {"id": other})}


def test_a_key_that_kv_could_not_hold_is_no_obstacle(site: Site) -> None:
    user(site, "ü" * 100)
    user(site, "u1")
    site.fill(["user:u1:profile", "user:u1:inventory"])
    assert site.invalidate().keys == 2
    assert site.keys() == set()


def test_a_row_that_points_nowhere_leads_to_no_key(site: Site) -> None:
    put(site.d1, "products", id="p", strainId=None)
    site.fill(["product:p:details", "strain:None:products", "strain::products"])
    assert site.invalidate().keys == 1
    assert site.keys() == {"strain:None:products", "strain::products"}


@pytest.mark.parametrize("dies", ["before", "half way", "after"])
def test_a_kill_around_the_delete_is_made_good(site: Site, dies: str) -> None:
    for number in range(6):
        user(site, f"u{number}")
    held = {f"user:u{number}:{what}" for number in range(6) for what in ("profile", "inventory")}
    site.fill([*held, "strains:list"])
    site.dies = dies
    with pytest.raises(KeyboardInterrupt):
        site.invalidate(page=5)
    assert site.place() == 0
    site.dies = ""
    assert site.invalidate(page=5).rows == 12
    assert site.keys() == {"strains:list"}
    assert site.place() == last_id(site.d1)


def test_a_kill_before_the_place_is_moved_deletes_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(6):
        user(site, f"u{number}")
    moves = 0
    move = EmbeddedD1.execute

    def dying(self: EmbeddedD1, sql: str, params: Any = (), **options: Any) -> int:
        nonlocal moves
        moves += 1
        if moves == 2:
            raise KeyboardInterrupt
        return move(self, sql, params, **options)

    monkeypatch.setattr(EmbeddedD1, "execute", dying)
    with pytest.raises(KeyboardInterrupt):
        site.invalidate(page=5)
    monkeypatch.undo()
    assert site.place() == 5
    already = {f"user:u{number}:inventory" for number in (3, 4)}
    assert already <= set(site.deleted)
    site.fill(already)
    assert site.invalidate(page=5).rows == 7
    assert site.keys() == set()


def test_two_at_once_end_as_one(site: Site) -> None:
    for number in range(40):
        user(site, f"u{number}")
    site.fill(f"user:u{number}:profile" for number in range(50))
    runs = [threading.Thread(target=site.invalidate, kwargs={"page": page}) for page in (3, 7)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert site.keys() == {f"user:u{number}:profile" for number in range(40, 50)}
    assert site.place() == last_id(site.d1)


def test_a_slower_run_does_not_take_the_place_back(site: Site) -> None:
    for number in range(3):
        user(site, f"u{number}")
    site.invalidate()
    D1ChangeLog(site.d1).move(READER, Position(0, 2), NOW)
    assert site.place() == last_id(site.d1) == 6
    assert site.invalidate().rows == 0


def test_rows_written_while_it_reads_are_left_to_the_next_run(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    user(site, "u1")
    delete = Site.delete_many

    def busy(self: Site, doomed: Iterable[str]) -> None:
        delete(self, doomed)
        user(self, f"later {len(self.deleted)}")

    monkeypatch.setattr(Site, "delete_many", busy)
    assert site.invalidate(page=1).rows == 2
    monkeypatch.undo()
    assert site.invalidate().rows == 4


def test_the_log_may_be_emptied_behind_it(site: Site) -> None:
    user(site, "u1")
    site.invalidate()
    site.d1.execute("delete from change_log")
    assert site.invalidate().rows == 0
    site.fill(["user:u2:profile"])
    user(site, "u2")
    assert site.invalidate().rows == 2
    assert site.keys() == set()


def test_a_template_of_a_column_that_the_log_lacks_says_so(site: Site) -> None:
    user(site, "u1")
    wrong = [CacheAside("users", ("user:{email}:profile",))]
    with pytest.raises(KeyError, match="email"):
        invalidate([D1ChangeLog(site.d1)], site.held, wrong, lambda: NOW)
    assert site.place() == 0


def materialized(d1: D1, kv: KV, now: datetime) -> tuple[dict[str, Any], Any]:
    """A run of the asset: its metadata and its check."""
    (asset,) = invalidation_assets.build(SESH)
    rooms = SimpleNamespace(d1=lambda _: d1, kv=lambda _: kv, clock=lambda: now)
    result = materialize([asset], resources={"rooms": rooms})
    (made,) = result.asset_materializations_for_node("sesh__cache__invalidated")
    (check,) = result.get_asset_check_evaluations()
    return {name: value.value for name, value in made.metadata.items()}, check


def test_the_asset_tells_rows_keys_and_lag_and_warns_of_rows_that_waited(site: Site) -> None:
    user(site, "u1")
    site.d1.execute("update change_log set changed_at = '2026-03-20T11:58:00.000Z'")
    told, check = materialized(site.d1, site.held, NOW)
    assert told == {"rows_read": 2, "keys_deleted": 2, "lag_seconds": 120.0}
    assert check.passed

    user(site, "u2")
    site.d1.execute("update change_log set changed_at = '2026-03-20T11:00:00.000Z'")
    told, check = materialized(site.d1, site.held, NOW)
    assert (told["rows_read"], told["lag_seconds"]) == (2, 3600.0)
    assert (check.passed, check.severity) == (False, AssetCheckSeverity.WARN)

    told, check = materialized(site.d1, site.held, NOW)
    assert (told["rows_read"], check.passed) == (0, True)
