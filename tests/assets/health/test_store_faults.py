"""Faults of stores: found within two ticks, named, told once, gone after the command that the finding prints."""

import shlex
import subprocess
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from dagster import AssetMaterialization

from assets.apps.clearlift import APP as CLEARLIFT
from assets.apps.consignment import APP as CONSIGNMENT
from assets.backups import covered
from assets.events.table import events_table
from assets.finding import Severity
from assets.health import sensors, stores
from assets.health.stores import StoreCheck, look_at
from tests.assets.health.watch import Watch

GB = 10**9


def test_a_home_that_others_may_enter(watch: Watch) -> None:
    watch.stores.settings.home.chmod(0o755)
    found = watch.found("pipelines/store", "home")
    subprocess.run(shlex.split(found.finding.command), check=True)
    watch.gone(found)


def test_migrations_that_are_behind(watch: Watch) -> None:
    watch.terminal.good("migrate", "down", "sesh-d1", "--confirm")
    found = watch.found("pipelines/store", "sesh-d1 schema")
    assert found.finding.message.startswith("1 migration pending, the first ")
    watch.gone_after(found)


def test_a_table_of_the_lake_that_is_missing(watch: Watch) -> None:
    watch.stores.lake.catalog.drop_table(events_table(CLEARLIFT).identifier)
    found = watch.found("pipelines/store", "clearlift-lake")
    assert found.finding.severity is Severity.CRITICAL
    watch.gone_after(found)


def test_a_database_that_is_nearly_full(watch: Watch) -> None:
    size = watch.stores.d1(CLEARLIFT).size()
    watch.set("d1_gb", size / 0.85 / GB)
    found = watch.found("pipelines/size of clearlift-d1")
    assert found.finding.severity is Severity.WARNING
    assert found.finding.message.endswith("; no command makes room: keep data for less time, move to a larger store, or"
                                          " correct its limit")  # fmt: skip
    watch.set("d1_gb", 10)
    watch.gone_after(found)


def test_a_database_that_will_be_full_within_a_month(watch: Watch) -> None:
    size = watch.stores.d1(CLEARLIFT).size()
    ledger, now = watch.engine.ledger, watch.clock()
    for days in range(10, 0, -1):
        ledger.add_samples("bytes", {"clearlift-d1": size * (1 - days / 20)}, now - timedelta(days=days))
    watch.set("d1_gb", size * 1.5 / GB)
    found = watch.found("pipelines/size of clearlift-d1")
    assert "it is full in 10 days; no command makes room" in found.finding.message
    watch.set("d1_gb", 10)
    watch.gone_after(found)


def test_a_store_that_answers_slowly(watch: Watch) -> None:
    for minutes in range(60, 0, -5):
        at = watch.clock() - timedelta(minutes=minutes)
        watch.engine.ledger.add_samples("milliseconds", {"object store": 5_000}, at)
    found = watch.found("pipelines/slow_store", "object store")
    assert "5,000 ms (median of an hour)" in found.finding.message
    assert found.finding.message.endswith("; no command makes it faster: its provider or the network is to blame")
    watch.later(timedelta(days=1))
    watch.gone_after(found)


def test_a_statement_that_reads_a_table_whole(watch: Watch) -> None:
    d1 = watch.stores.d1(CONSIGNMENT)
    d1.execute("drop index items_by_event")
    found = watch.found("consignment/d1_plan", "consignment/statements/items_of_event")
    assert "it reads inventory_items whole" in found.finding.message
    d1.execute(found.finding.command)
    watch.gone(found)


def test_a_store_that_cannot_be_written_and_what_needs_it_stays_as_it_was(watch: Watch) -> None:
    with watch.terminal.monkeypatch.context() as patch:
        patch.setattr(type(watch.stores.object_store), "put", _refused)
        found = watch.found("pipelines/store", "object store")
        assert found.finding.message == "the disk is full"
    watch.gone_after(found)


def test_a_store_that_fails_at_one_look_is_shown_and_nobody_is_told(watch: Watch) -> None:
    for _ in range(3):
        with watch.terminal.monkeypatch.context() as patch:
            patch.setattr(type(watch.stores.object_store), "put", _refused)
            (found,) = watch.tick()
            assert (found.name, found.finding.message) == ("store", "the disk is full")
            # The sensor that tells looks every minute, and no second look found it so.
            watch.later(timedelta(minutes=4, seconds=30))
            watch.tell()
        assert watch.tick() == []
    assert watch.alerts == []


def test_a_look_that_fails_once_is_told_to_nobody(watch: Watch) -> None:
    with watch.terminal.monkeypatch.context() as patch:
        patch.setattr("resources.d1.EmbeddedD1.size", _broken)
        assert {one.name for one in watch.tick()} == {"look"}
    assert watch.tick() == []
    assert watch.alerts == []


def test_what_is_missing_is_told_at_the_first_look(watch: Watch) -> None:
    watch.stores.lake.catalog.drop_table(events_table(CLEARLIFT).identifier)
    assert "clearlift-lake" in [one.finding.subject for one in watch.tick()]
    (alert,) = watch.alerts
    assert "CRITICAL pipelines/store: clearlift-lake" in alert["body"]


def test_keys_that_backups_need_and_that_are_gone(watch: Watch) -> None:
    covered.named("consignment/d1").backup(watch.stores).run()
    keyring = watch.stores.settings.home / "keyring.json"
    secret = watch.terminal.folder / "passphrase"
    secret.write_text("correct horse battery staple\n")
    watch.terminal.good("keys", "envelope", "ENVELOPE", "--passphrase-file", str(secret))
    keyring.unlink()
    watch.stores.__dict__.pop("keyring")
    found = watch.found("pipelines/store", "key set")
    assert "1 of 1 backup set cannot be opened without keys that are not here: key 1 " in found.finding.message
    assert found.finding.command == "clearlift keys open ENVELOPE FILE"
    assert [one.finding.subject for one in watch.tick()] == ["key set"], "it is said once"
    # The reader names the envelope, and the place where the key set was.
    command = found.finding.command.replace("FILE", str(keyring))
    placed = replace(found, finding=replace(found.finding, command=command))
    watch.gone_after(placed, "--passphrase-file", str(secret))


def _refused(*_: object) -> None:
    raise OSError("the disk is full")


def test_the_ledger_itself_is_away_and_people_are_told_once(watch: Watch) -> None:
    with watch.without_postgres():
        for minutes, told in ((0, 0), (1, 0), (4, 1), (1, 1)):
            watch.later(timedelta(minutes=minutes))
            looked = watch.engine.run()
            assert not looked.recorded
            assert [one.finding.subject for one in looked.found] == ["postgres"]
            watch.tell()
            assert len(watch.alerts) == told
        (alert,) = watch.alerts
        assert "CRITICAL pipelines/store: postgres: " in alert["body"]
        said = watch.terminal.clearlift("status")
        assert said.code == 1
        assert "critical pipelines/store: postgres" in said.out
    watch.tell()
    assert len(watch.alerts) == 1
    assert watch.terminal.good("status").splitlines()[-1] == "Nothing is wrong."


def test_a_check_that_fails_is_a_finding_and_what_it_found_before_stays(watch: Watch) -> None:
    watch.set("d1_gb", 0.0000001)
    full = watch.found("pipelines/size of clearlift-d1")
    with watch.terminal.monkeypatch.context() as patch:
        patch.setattr("resources.d1.EmbeddedD1.size", _broken)
        found = watch.found("pipelines/look", "pipelines/size of clearlift-d1")
        assert found.finding.message == "it could not be looked at: token=[redacted] was refused"
        assert found.finding.command == "clearlift doctor"
        assert any(one.what == full.what for one in watch.tick())
    watch.gone_after(found)


def _broken(_: object) -> int:
    raise RuntimeError("token=hushhush was refused")


def test_alerts_that_nobody_takes(watch: Watch) -> None:
    # A folder is no file.
    watch.alerts_to(f"file://{watch.terminal.folder}")
    watch.stores.settings.home.chmod(0o755)
    watch.tick()
    watch.later(timedelta(minutes=15))
    (found,) = (one for one in watch.tick() if one.name == "untaken_alerts")
    assert found.finding.message == "1 alert is not taken by the receiver that is set"
    watch.alerts_to(f"file://{watch.terminal.folder}/alerts.log")
    watch.later(timedelta(hours=1))
    watch.tick()
    assert "untaken_alerts" not in {one.name for one in watch.tick()}
    assert watch.told(found) == ["critical", "resolved"]


def test_every_check_has_a_key_of_its_own_and_needs_stores_that_there_are(watch: Watch) -> None:
    engine = watch.engine
    keys = [(check.app, check.name) for check in engine.checks]
    assert len(keys) == len(set(keys)), "a look resolves what its check found before and not now"
    known = {check.name for check in engine.store_checks}
    assert {need for check in engine.checks for need in check.needs} <= known


def test_the_sensor_shows_what_is_new_as_an_asset_once(watch: Watch) -> None:
    quiet = watch.evaluated("")
    assert (quiet.asset_events, quiet.skip_message) == ([], "Nothing is wrong.")
    watch.stores.settings.home.chmod(0o755)
    loud = watch.evaluated("")
    (event,) = loud.asset_events
    assert isinstance(event, AssetMaterialization)
    assert event.asset_key == sensors.FINDINGS
    assert (event.metadata["critical"].value, event.metadata["warning"].value) == (1, 0)
    assert watch.evaluated(loud.cursor or "").asset_events == []


def test_a_store_that_hangs_holds_up_no_other() -> None:
    never = threading.Event()
    checks = [
        StoreCheck("a", lambda: str(never.wait())),
        *(StoreCheck(name, lambda: "well", needs) for name, needs in (("f", "e"), ("e", "b"), ("b", ""))),
        *(StoreCheck(name, str, needs) for name, needs in (("c", "a"), ("d", "c"))),
    ]
    seen = look_at(checks, seconds=0.05)
    never.set()
    assert seen.keys() == {"a", "f", "e", "b"}
    assert seen["f"].said == "well"
    (found,) = stores.findings(seen)
    assert (found.subject, found.message) == ("a", "it did not answer within 0.05 s. Next: `clearlift doctor`")


@pytest.mark.parametrize("name", ["d1_gigabytes", "batch"])
def test_a_threshold_that_is_none_is_refused_with_the_right_one(watch: Watch, name: str) -> None:
    watch.terminal.monkeypatch.setenv(f"CLEARLIFT_THRESHOLDS__{name.upper()}", "3")
    assert "is no threshold; there is " in watch.terminal.refused("status")
