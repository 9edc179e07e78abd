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
from resources.postgres import Postgres
from tests.assets.cache.cache_aside_stores import NOW, CacheAsideStores, hanging, rows
from tests.sql.sesh.database import last_id, put

HOSTILE = ["a:b", "a/b", "a", "%3A", "..", "x:profile", "é漢😀", "'; drop table users --", "{id}", "n\n", "ü" * 60]


def user(cache_aside_stores: CacheAsideStores, id_: str) -> None:
    put(cache_aside_stores.d1, "users", id=id_)
    put(cache_aside_stores.d1, "inventory", id=f"stock of {id_}", userId=id_)


def test_what_hangs_on_a_changed_row_goes_and_all_else_stays(cache_aside_stores: CacheAsideStores) -> None:
    user(cache_aside_stores, "u1")
    user(cache_aside_stores, "u2")
    cache_aside_stores.invalidate()
    theirs = {f"user:{u}:{what}" for u in ("u1", "u2") for what in ("profile", "inventory", "preferences")}
    cache_aside_stores.fill(theirs)
    cache_aside_stores.d1.execute("update inventory set quantity = 2 where userId = 'u1'")
    assert cache_aside_stores.invalidate().keys == 1
    assert cache_aside_stores.keys() == theirs - {"user:u1:inventory"}

    cache_aside_stores.d1.execute("update inventory set userId = 'u2' where userId = 'u1'")
    cache_aside_stores.fill(theirs)
    assert cache_aside_stores.invalidate().keys == 2
    assert cache_aside_stores.keys() == theirs - {"user:u1:inventory", "user:u2:inventory"}

    cache_aside_stores.fill(theirs)
    cache_aside_stores.d1.execute("delete from users where id = 'u2'")
    cache_aside_stores.invalidate()
    assert cache_aside_stores.keys() == theirs - {"user:u2:inventory", "user:u2:profile"}


def test_a_second_run_has_nothing_to_read(cache_aside_stores: CacheAsideStores) -> None:
    user(cache_aside_stores, "u1")
    done = cache_aside_stores.invalidate()
    assert (done.rows, done.keys) == (2, 2)
    cache_aside_stores.fill(["user:u1:profile"])
    cache_aside_stores.deleted.clear()
    assert cache_aside_stores.invalidate() == Invalidated(0, 0, timedelta(0))
    assert (cache_aside_stores.deleted, cache_aside_stores.keys()) == ([], {"user:u1:profile"})


@pytest.mark.parametrize("other", HOSTILE)
def test_hostile_ids_lead_to_their_own_keys_and_no_others(cache_aside_stores: CacheAsideStores, other: str) -> None:
    ids = [*HOSTILE, "b"]
    for id_ in ids:
        user(cache_aside_stores, id_)
    cache_aside_stores.invalidate()
    held = {
        key for (table, _), row in rows(cache_aside_stores.d1).items() for key in hanging(table, row) if len(key) <= 512
    }
    assert len(held) == 2 * len(ids)
    cache_aside_stores.fill(held)
    cache_aside_stores.d1.execute("update users set displayName = 'changed' where id = ?", [other])
    cache_aside_stores.invalidate()
    gone = held - cache_aside_stores.keys()
    assert gone == {keys.filled("user:{id}:profile", {"id": other})}


def test_a_key_that_kv_could_not_hold_is_no_obstacle(cache_aside_stores: CacheAsideStores) -> None:
    user(cache_aside_stores, "ü" * 100)
    user(cache_aside_stores, "u1")
    cache_aside_stores.fill(["user:u1:profile", "user:u1:inventory"])
    assert cache_aside_stores.invalidate().keys == 2
    assert cache_aside_stores.keys() == set()


def test_a_row_that_points_nowhere_leads_to_no_key(cache_aside_stores: CacheAsideStores) -> None:
    put(cache_aside_stores.d1, "products", id="p", strainId=None)
    cache_aside_stores.fill(["product:p:details", "strain:None:products", "strain::products"])
    assert cache_aside_stores.invalidate().keys == 1
    assert cache_aside_stores.keys() == {"strain:None:products", "strain::products"}


@pytest.mark.parametrize("dies", ["before", "half way", "after"])
def test_a_kill_around_the_delete_is_made_good(cache_aside_stores: CacheAsideStores, dies: str) -> None:
    for number in range(6):
        user(cache_aside_stores, f"u{number}")
    held = {f"user:u{number}:{what}" for number in range(6) for what in ("profile", "inventory")}
    cache_aside_stores.fill([*held, "strains:list"])
    cache_aside_stores.dies = dies
    with pytest.raises(KeyboardInterrupt):
        cache_aside_stores.invalidate(page=5)
    assert cache_aside_stores.place() == 0
    cache_aside_stores.dies = ""
    assert cache_aside_stores.invalidate(page=5).rows == 12
    assert cache_aside_stores.keys() == {"strains:list"}
    assert cache_aside_stores.place() == last_id(cache_aside_stores.d1)


def test_a_kill_before_the_place_is_moved_deletes_again(
    cache_aside_stores: CacheAsideStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        user(cache_aside_stores, f"u{number}")
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
        cache_aside_stores.invalidate(page=5)
    monkeypatch.undo()
    assert cache_aside_stores.place() == 5
    already = {f"user:u{number}:inventory" for number in (3, 4)}
    assert already <= set(cache_aside_stores.deleted)
    cache_aside_stores.fill(already)
    assert cache_aside_stores.invalidate(page=5).rows == 7
    assert cache_aside_stores.keys() == set()


def test_two_at_once_end_as_one(cache_aside_stores: CacheAsideStores) -> None:
    for number in range(40):
        user(cache_aside_stores, f"u{number}")
    cache_aside_stores.fill(f"user:u{number}:profile" for number in range(50))
    runs = [threading.Thread(target=cache_aside_stores.invalidate, kwargs={"page": page}) for page in (3, 7)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert cache_aside_stores.keys() == {f"user:u{number}:profile" for number in range(40, 50)}
    assert cache_aside_stores.place() == last_id(cache_aside_stores.d1)


def test_a_slower_run_does_not_take_the_place_back(cache_aside_stores: CacheAsideStores) -> None:
    for number in range(3):
        user(cache_aside_stores, f"u{number}")
    cache_aside_stores.invalidate()
    D1ChangeLog(cache_aside_stores.d1).move(READER, Position(0, 2), NOW)
    assert cache_aside_stores.place() == last_id(cache_aside_stores.d1) == 6
    assert cache_aside_stores.invalidate().rows == 0


def test_rows_written_while_it_reads_are_left_to_the_next_run(
    cache_aside_stores: CacheAsideStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    user(cache_aside_stores, "u1")
    delete = CacheAsideStores.delete_many

    def busy(self: CacheAsideStores, doomed: Iterable[str]) -> None:
        delete(self, doomed)
        user(self, f"later {len(self.deleted)}")

    monkeypatch.setattr(CacheAsideStores, "delete_many", busy)
    assert cache_aside_stores.invalidate(page=1).rows == 2
    monkeypatch.undo()
    assert cache_aside_stores.invalidate().rows == 4


def test_the_log_may_be_emptied_behind_it(cache_aside_stores: CacheAsideStores) -> None:
    user(cache_aside_stores, "u1")
    cache_aside_stores.invalidate()
    cache_aside_stores.d1.execute("delete from change_log")
    assert cache_aside_stores.invalidate().rows == 0
    cache_aside_stores.fill(["user:u2:profile"])
    user(cache_aside_stores, "u2")
    assert cache_aside_stores.invalidate().rows == 2
    assert cache_aside_stores.keys() == set()


def test_a_template_of_a_column_that_the_log_lacks_says_so(cache_aside_stores: CacheAsideStores) -> None:
    user(cache_aside_stores, "u1")
    wrong = [CacheAside("users", ("user:{email}:profile",))]
    with pytest.raises(KeyError, match="email"):
        invalidate([D1ChangeLog(cache_aside_stores.d1)], cache_aside_stores.held, wrong, lambda: NOW)
    assert cache_aside_stores.place() == 0


def materialized(d1: D1, kv: KV, now: datetime) -> tuple[dict[str, Any], Any]:
    """A run of the asset: its metadata and its check."""
    (asset,) = invalidation_assets.build(SESH)
    unopened = Postgres("host=127.0.0.1")
    rooms = SimpleNamespace(d1=lambda _: d1, kv=lambda _: kv, postgres=unopened, clock=lambda: now)
    result = materialize([asset], resources={"rooms": rooms})
    (made,) = result.asset_materializations_for_node("sesh__cache__invalidated")
    (check,) = result.get_asset_check_evaluations()
    return {name: value.value for name, value in made.metadata.items()}, check


def test_the_asset_tells_rows_keys_and_lag_and_warns_of_rows_that_waited(cache_aside_stores: CacheAsideStores) -> None:
    user(cache_aside_stores, "u1")
    cache_aside_stores.d1.execute("update change_log set changed_at = '2026-03-20T11:58:00.000Z'")
    told, check = materialized(cache_aside_stores.d1, cache_aside_stores.held, NOW)
    assert told == {"rows_read": 2, "keys_deleted": 2, "lag_seconds": 120.0}
    assert check.passed

    user(cache_aside_stores, "u2")
    cache_aside_stores.d1.execute("update change_log set changed_at = '2026-03-20T11:00:00.000Z'")
    told, check = materialized(cache_aside_stores.d1, cache_aside_stores.held, NOW)
    assert (told["rows_read"], told["lag_seconds"]) == (2, 3600.0)
    assert (check.passed, check.severity) == (False, AssetCheckSeverity.WARN)

    told, check = materialized(cache_aside_stores.d1, cache_aside_stores.held, NOW)
    assert (told["rows_read"], check.passed) == (0, True)
