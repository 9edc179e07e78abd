"""Rules of an app's data: which rows break them is known, or it is known that nobody knows."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dagster import AssetCheckSeverity, AssetKey, DagsterInstance, DagsterRunStatus, Definitions, RunRequest

from assets.apps import App, IntegrityRule, SearchIndex
from assets.apps.consignment import APP
from assets.apps.personal import Holding, registry
from assets.capability import Capability, Site
from assets.integrity import assets, capability, file
from assets.integrity.rules import Finding, look
from assets.integrity.search import compare
from assets.requested import Runs
from clearlift_pipelines.definitions import build_defs
from clearlift_pipelines.settings import load
from resources import sql_files
from resources.d1 import D1, CloudflareD1, D1Error, EmbeddedD1, Param
from resources.http import Session
from resources.postgres import Postgres
from tests.assets.integrity.compared import Rooms, findings
from tests.sql.consignment.database import REQUIRED, found, migrated, put
from tests.standin.cloudflare import ACCOUNT, DATABASE, Cloudflare
from tests.standin.loopback import Fault

RULES = {rule.name: rule for rule in APP.rules}
LIMIT = 2


@pytest.fixture
def d1(tmp_path: Path) -> EmbeddedD1:
    """A Consignment in which every rule holds: two items of two consignors."""
    made = migrated(tmp_path / "consignment.sqlite")
    put(made, "events", id=1, status="published", max_consignors=LIMIT)
    for n in (1, 2):
        put(made, "consignors", user_id=f"u{n}")
        values: dict[str, Param] = {"dropped_off_at": "2026-03-01T12:00:00.000Z"} if n == 1 else {}
        put(made, "inventory_items", id=n, user_id=f"u{n}", event_id=1, status="approved", **values)
    return made


def broken_outside(d1: EmbeddedD1, sql: str) -> None:
    """What another tool does to the file, which does not look at foreign keys."""
    with closing(sqlite3.connect(d1.path, isolation_level=None)) as other:
        other.execute(sql)


def test_where_all_rules_hold_each_was_compared(d1: EmbeddedD1) -> None:
    assert findings(d1) == dict.fromkeys(RULES, Finding())
    assert all(finding.holds for finding in findings(d1).values())


@pytest.mark.parametrize(
    ("name", "sql", "ids"),
    [
        ("item_has_event", "delete from events", ["1", "2"]),
        ("drop_off_in_window", "update inventory_items set dropped_off_at = '2026-02-28T23:59:59.999Z'", ["1", "2"]),
        ("drop_off_in_window", "update inventory_items set dropped_off_at = '2026-03-02T00:00:00.000Z'", ["1", "2"]),
        ("consignors_within_limit", "update events set max_consignors = 1", ["1"]),
        ("price_is_one", "update inventory_items set price = 0 where id = 2", ["2"]),
        ("price_is_one", "update inventory_items set price = -4.5 where id = 2", ["2"]),
        ("price_is_one", "update inventory_items set price = 'free' where id = 2", ["2"]),
        ("price_is_one", "update inventory_items set price = 9e999 where id = 2", ["2"]),
        ("price_is_one", "update inventory_items set price = 4.505 where id = 2", ["2"]),
        ("price_is_one", "update inventory_items set price = 0.001 where id = 2", ["2"]),
    ],
)
def test_rows_that_break_a_rule_are_counted_and_named_and_no_other_rule_is_touched(
    d1: EmbeddedD1, name: str, sql: str, ids: list[str]
) -> None:
    broken_outside(d1, sql)
    others = {"drop_off_in_window", "consignors_within_limit"} if sql.startswith("delete") else set()
    found_now = findings(d1)
    assert found_now.pop(name) == Finding(len(ids), tuple(ids))
    assert {other for other, finding in found_now.items() if not finding.holds} <= others


@pytest.mark.parametrize("price", [0.01, 1, 19.99, 4.35, 1_234.56, 999_999.99, 0.29])
def test_prices_that_are_some_break_no_rule(d1: EmbeddedD1, price: float) -> None:
    d1.execute("update inventory_items set price = ?", [price])
    assert findings(d1)["price_is_one"].holds


def test_the_window_is_half_open_and_rejected_items_need_no_place(d1: EmbeddedD1) -> None:
    d1.execute("update inventory_items set dropped_off_at = '2026-03-01T00:00:00.000Z'")
    put(d1, "consignors", user_id="u3")
    put(d1, "inventory_items", user_id="u3", event_id=1, status="rejected")
    assert all(finding.holds for finding in findings(d1).values())


def test_of_many_rows_the_first_are_named(d1: EmbeddedD1) -> None:
    for _ in range(30):
        put(d1, "inventory_items", user_id="u1", event_id=1, price=0)
    finding = findings(d1)["price_is_one"]
    assert (finding.offending, len(finding.ids)) == (30, 20)


def test_a_table_without_rows_proves_nothing(tmp_path: Path) -> None:
    empty = migrated(tmp_path / "empty.sqlite")
    for finding in findings(empty).values():
        assert not finding.holds
        assert finding.unknown.endswith("has no rows: nothing was compared.")


def test_a_database_that_cannot_be_looked_at_is_never_green(
    d1: EmbeddedD1, cloudflare_api: Cloudflare, cloudflare_session: Session
) -> None:
    bare = EmbeddedD1(d1.path.with_name("bare.sqlite"))
    assert {finding.unknown.partition(":")[0] for finding in findings(bare).values()} == {"It could not be looked at"}
    for _ in range(100):
        cloudflare_api.loopback.fail(Fault("status", status=500))
    away = CloudflareD1(cloudflare_session, ACCOUNT, DATABASE, api=cloudflare_api.api)
    finding = look(Rooms(away), APP, RULES["price_is_one"])
    assert finding.unknown.startswith("It could not be looked at: ")
    assert not finding.holds


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> App:
    """A further app, of a rule and its SQL alone, over a Postgres database."""
    for name in ("offending", "compare_index", "make_index_again"):
        target = tmp_path / "sql" / "integrity" / f"{name}.sql"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text((sql_files.ROOT / "integrity" / f"{name}.sql").read_text())
    rule = tmp_path / "sql" / "shop" / "rules" / "paid.sql"
    rule.parent.mkdir(parents=True)
    rule.write_text(
        "-- One row an order without an amount: 100% free.\nselect id from shop.orders where amount <= 0;\n"
    )
    monkeypatch.setattr(sql_files, "ROOT", tmp_path / "sql")
    shown = ("orders", "imported")
    doc, table, file = "Orders cost something.", "shop.orders", "shop/rules/paid.sql"
    paid = IntegrityRule("paid", doc, table, file, store="postgres", asset=shown)
    personal = registry(impersonal={"app_postgres": "shop.orders: id amount"})
    return App(
        "shop", "Shop", "team:shop-data", {}, postgres_migrations="shop/postgres", rules=(paid,), personal=personal
    )


def test_a_further_app_needs_only_sql_in_postgres_too(shop: App, postgres: Postgres) -> None:
    rooms, (rule,) = Rooms(postgres=postgres, app="shop"), shop.rules
    assert "could not be looked at" in look(rooms, shop, rule).unknown
    postgres.execute("create schema shop; create table shop.orders (id bigint, amount numeric)")
    assert look(rooms, shop, rule).unknown == "shop.orders has no rows: nothing was compared."
    postgres.execute("insert into shop.orders values (1, 5), (2, 0), (3, -1)")
    assert look(rooms, shop, rule) == Finding(2, ("2", "3"))
    postgres.execute("delete from shop.orders where amount <= 0")
    assert look(rooms, shop, rule).holds


def test_a_rule_of_postgres_names_the_asset_that_shows_it(shop: App) -> None:
    assert {key.asset_key for key in assets.rules(shop).check_keys} == {AssetKey(["shop", "orders", "imported"])}
    with pytest.raises(ValueError, match="rule paid: name the asset that shows it"):
        replace(shop.rules[0], asset=None)


def test_ids_that_lead_to_a_person_are_counted_and_not_shown(shop: App, tmp_path: Path) -> None:
    rule = IntegrityRule("free", "Orders cost something.", "orders", "shop/rules/free.sql")
    (tmp_path / "sql" / "shop" / "rules" / "free.sql").write_text("select id from orders where amount = 0")
    own = Holding("d1", "orders", (("user", "id"),), personal="amount", erasure="delete")
    app = replace(shop, d1_migrations="shop/d1", rules=(rule,), personal=registry(own, impersonal={}))
    d1 = EmbeddedD1(tmp_path / "shop.sqlite")
    d1.execute("create table orders (id text, amount integer)")
    d1.execute("insert into orders values ('ann@example.com', 0)")
    assert look(Rooms(d1, app="shop"), app, rule) == Finding(1, ())


def checked(d1: D1) -> dict[str, tuple[bool, AssetCheckSeverity, Any]]:
    """The checks of a run of the job over the assets of Consignment."""
    rooms = {"rooms": Rooms(d1)}
    made = Definitions([assets.search(APP), assets.file(APP)], asset_checks=[assets.rules(APP)], resources=rooms)
    done = made.resolve_implicit_global_asset_job_def().execute_in_process(raise_on_error=False)
    return {e.check_name: (e.passed, e.severity, e.description) for e in done.get_asset_check_evaluations()}


def test_checks_stand_at_the_tables_and_say_how_bad_it_is(d1: EmbeddedD1) -> None:
    keys = {(key.asset_key, key.name) for key in assets.rules(APP).check_keys}
    assert keys == {(AssetKey(["consignment", "d1", rule.table]), rule.name) for rule in APP.rules}
    assert {name for name, (passed, _, _) in checked(d1).items() if passed} == {*RULES, assets.AGREED, assets.WHOLE}
    broken_outside(d1, "update inventory_items set dropped_off_at = '2026-04-01T00:00:00.000Z', price = 0")
    said = checked(d1)
    assert said["price_is_one"] == (False, AssetCheckSeverity.ERROR, "2 rows of inventory_items.")
    assert said["drop_off_in_window"] == (False, AssetCheckSeverity.WARN, "2 rows of inventory_items.")


def test_a_table_without_rows_is_a_warning_and_no_failure(d1: EmbeddedD1) -> None:
    d1.execute("delete from inventory_items")
    passed, severity, said = checked(d1)["price_is_one"]
    assert (passed, severity) == (False, AssetCheckSeverity.WARN)
    assert said == "inventory_items has no rows: nothing was compared."


def test_an_index_that_differs_is_made_again_and_said_so_once(d1: EmbeddedD1) -> None:
    # The words of a replaced row stay: no delete trigger fires.
    d1.execute("update inventory_items set name = 'Old zeppelin' where id = 1")
    columns = "user_id, event_id, category, price, condition, created_at, updated_at"
    d1.execute(
        f"insert or replace into inventory_items (id, name, {columns}) select id, 'New lamp', {columns}"
        " from inventory_items where id = 1"
    )
    assert found(d1, "zeppelin") == [1]
    assert checked(d1)[assets.AGREED] == (False, AssetCheckSeverity.WARN, "Made again: item_search.")
    assert (found(d1, "zeppelin"), found(d1, "lamp")) == ([], [1])
    assert checked(d1)[assets.AGREED][0]


def test_a_damaged_file_is_said_and_left_alone(d1: EmbeddedD1) -> None:
    assert checked(d1)[assets.WHOLE][0]
    file.keep(d1, APP.search)
    assert checked(d1)[assets.AGREED][0], "an index of one part has the same words"
    (page,) = d1.query("select rootpage as at from sqlite_master where name = 'items_by_event'")
    d1.close()
    with d1.path.open("r+b") as other:
        other.seek((page["at"] - 1) * 4096)
        other.write(b"\xff" * 4096)
    passed, severity, said = checked(EmbeddedD1(d1.path))[assets.WHOLE]
    assert (passed, severity) == (False, AssetCheckSeverity.ERROR)
    assert said.endswith("docs/recovery.md says how a store comes back.")


def test_an_index_that_is_not_there_is_no_agreement(d1: EmbeddedD1) -> None:
    with pytest.raises(D1Error, match="no such table: gone"):
        compare(d1, (SearchIndex("gone", "inventory_items"),))


def test_an_app_without_rules_and_indexes_has_no_such_room() -> None:
    site = Site(None, None, None, 0, (7, 5, 12))  # type: ignore[arg-type]
    assert capability.bring(App("shop", "Shop", "team:shop-data", {}), site) == Capability()
    brought = capability.bring(APP, site)
    assert [job.name for job in brought.jobs] == [tick.job for tick in brought.ticks] == ["integrity"]


@pytest.mark.parametrize(("open_run", "made"), [("consignment_retention", False), ("consignment_integrity", True)])
def test_a_job_that_only_checks_is_asked_for_beside_other_open_runs(open_run: str, made: bool) -> None:
    defs = build_defs(load(), apps=[replace(APP, search=())])
    with DagsterInstance.ephemeral() as instance:
        instance.create_run_for_job(defs.resolve_job_def(open_run), status=DagsterRunStatus.STARTED)
        runs = Runs(instance, defs.get_repository_def())
        assert runs.are_making(RunRequest(), "consignment_integrity") is made


def test_every_rule_is_of_a_table_of_the_app_and_every_file_is_a_rule() -> None:
    assert {rule.table for rule in APP.rules} <= REQUIRED.keys()
    files = {f"consignment/rules/{name}" for name in sql_files.list_sql("consignment/rules")}
    assert files == {rule.statement for rule in APP.rules}
