"""Faults that ledgers know: found within two ticks, named, told once, gone after the command of the finding."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from assets.apps.clearlift import APP as CLEARLIFT
from assets.apps.growth import APP as GROWTH
from assets.apps.sesh import APP as SESH
from assets.backups import covered
from assets.backups.sets import MANIFEST, VERIFIED, find
from assets.finding import Severity
from clearlift_pipelines.cli.sandbox import sample_platforms
from resources.d1.times import moment, stamp
from tests.assets.health.watch import Watch
from tests.sql.sesh.database import put

STORE = "consignment/d1"


def test_events_of_an_own_postgres_that_wait(watch: Watch) -> None:
    own = watch.stores.app_postgres(GROWTH)
    own.execute("truncate analytics.events, pipelines.pending_events, pipelines.stale_windows")
    own.execute("insert into analytics.events (type, name) select 'form', 'f' from generate_series(1, 3)")
    assert not watch.tick()
    watch.later(timedelta(minutes=15))
    found = watch.found("growth/events_wait")
    assert found.finding.message == "3 events wait to be counted"
    watch.gone_after(found)


def test_keys_of_the_cache_that_expired(watch: Watch) -> None:
    watch.stores.postgres.execute(
        "insert into cache.entries (namespace, key, family, tenant, hash, bytes, expires_at, written_at)"
        " values ('growth', 'x', 'leads', '', '', 1, %(at)s, %(at)s)",
        {"at": watch.clock() - timedelta(days=1)},
    )
    found = watch.found("growth/expired_keys", "cache/leads")
    watch.gone_after(found)


def test_an_erasure_near_its_deadline(watch: Watch) -> None:
    watch.terminal.monkeypatch.setenv("CLEARLIFT_ERASURE_WAIT_HOURS", "0")
    put(watch.stores.d1(SESH), "users", id="anna-17", email="anna@sesh.example")
    watch.terminal.monkeypatch.setattr("sys.stdin", io.StringIO("anna-17\n"))
    watch.terminal.good("privacy", "erase", "--app", "sesh", "--confirm")
    assert not watch.tick()
    watch.later(timedelta(days=25))
    found = watch.found("sesh/erasure_due")
    assert "anna" not in str(found) + str(watch.alerts)
    watch.gone_after(found)


def test_requests_of_an_application_that_nobody_took_over(watch: Watch) -> None:
    d1, asked = watch.stores.d1(SESH), stamp(watch.clock())
    put(d1, "users", id="anna-17", email="anna@sesh.example")
    for table in ("erasure_requests", "export_requests"):
        d1.execute(f"insert into {table} (id, subject, requested_at) values ('of-the-app', 'anna-17', ?)", [asked])
    assert not watch.tick()
    watch.later(timedelta(days=25))
    export = watch.found("sesh/export_untaken", "export of-the-app")
    assert (export.finding.severity, "anna" in str(export)) == (Severity.CRITICAL, False)
    watch.gone_after(export)
    erasure = watch.found("sesh/erasure_untaken", "erasure of-the-app")
    watch.terminal.monkeypatch.setenv("CLEARLIFT_ERASURE_WAIT_HOURS", "0")
    watch.gone_after(erasure)


def test_a_store_without_a_backup(watch: Watch) -> None:
    assert not watch.tick()
    watch.later(timedelta(hours=2))
    watch.gone_after(watch.found("consignment/no_backup", STORE))


def backed_up(watch: Watch, ago: timedelta) -> None:
    """A set of so long ago: the database's own clock says when."""
    with watch.terminal.monkeypatch.context() as patch:
        patch.setattr("assets.backups.d1_log.moment", lambda text: moment(text) - ago)
        covered.named(STORE).backup(watch.stores).run(full=False)


def test_a_backup_that_is_too_old(watch: Watch) -> None:
    backed_up(watch, timedelta(hours=30))
    found = watch.found("consignment/backup", STORE)
    assert found.finding.message == "its newest verified backup is 30 hours old"
    watch.gone_after(found)


def test_a_set_that_is_damaged(watch: Watch) -> None:
    for _ in range(2):
        backed_up(watch, timedelta(0))
    target = covered.target_of(watch.stores)
    _, manifest = find(target, covered.named(STORE).name).complete
    target.objects.put(target.key(covered.named(STORE).name, manifest.id, MANIFEST), b"rubbish")
    found = watch.found("consignment/backup", f"{STORE} {manifest.id}")
    watch.gone_after(found)


def test_a_set_that_verify_found_damaged(watch: Watch) -> None:
    for _ in range(2):
        backed_up(watch, timedelta(0))
    target, store = covered.target_of(watch.stores), covered.named(STORE).name
    _, manifest = find(target, store).complete
    target.delete(store, manifest.id, [manifest.parts[0].name])
    assert watch.terminal.clearlift("backup", "verify", STORE).code == 1
    found = watch.found("consignment/backup", f"{STORE} {manifest.id}")
    assert found.finding.message.endswith("/part-00001: missing")
    watch.gone_after(found)


def test_a_set_that_was_never_verified(watch: Watch) -> None:
    backed_up(watch, timedelta(0))
    target, store = covered.target_of(watch.stores), covered.named(STORE).name
    (manifest,) = find(target, store).complete
    target.delete(store, manifest.id, [VERIFIED])
    assert not watch.tick()
    watch.later(timedelta(hours=30))
    found = watch.found("consignment/backup", f"{STORE} {manifest.id}")
    assert found.finding.message == "the set was made 30 hours ago and was never verified"
    watch.gone_after(found)


def test_backups_that_nobody_restored(watch: Watch) -> None:
    backed_up(watch, timedelta(hours=60))
    backed_up(watch, timedelta(0))
    found = watch.found("consignment/drill", STORE)
    watch.gone_after(found)


def test_keys_in_no_envelope(watch: Watch) -> None:
    assert watch.stores.keyring.newest == 1
    assert not watch.tick()
    watch.later(timedelta(days=1))
    found = watch.found("pipelines/keys_in_no_envelope", "key 1")
    secret = watch.terminal.folder / "passphrase"
    secret.write_text("correct horse battery staple\n")
    watch.gone_after(found, "--passphrase-file", str(secret))


def test_a_key_that_seals_for_too_long(watch: Watch) -> None:
    ring = watch.stores.keyring
    watch.stores.postgres.execute(
        "insert into sealing.keys (key_id, first_seen_at) values (%(key)s, %(at)s)",
        {"key": ring.newest, "at": watch.clock() - timedelta(days=400)},
    )
    found = watch.found("pipelines/old_key")
    assert found.finding.message.startswith("it seals for 400 days")
    watch.terminal.good("keys", "rotate")
    watch.stores.__dict__.pop("keyring")
    watch.gone(found)


@contextmanager
def connected(watch: Watch) -> Iterator[str]:
    """One active connection, which leads to the sandbox; its id."""
    d1 = watch.stores.d1(CLEARLIFT)
    with sample_platforms(watch.stores):
        watch.terminal.monkeypatch.setenv("CLEARLIFT_AD_ORIGIN", watch.stores.ad_origin)
        (row,) = d1.query("select min(id) as id from platform_connections where platform = 'tiktok'")
        d1.execute("update platform_connections set is_active = 0 where id <> ?", [row["id"]])
        yield row["id"]


def test_a_connection_whose_sync_failed(watch: Watch) -> None:
    with connected(watch) as connection:
        d1 = watch.stores.d1(CLEARLIFT)
        d1.execute("update platform_connections set sync_status = 'error' where id = ?", [connection])
        found = watch.found("clearlift/connection", connection)
        assert found.finding.severity is Severity.WARNING
        assert found.finding.command.startswith(
            f"clearlift backfill ads --app clearlift --platform tiktok --connection {connection} --from "
        )
        watch.gone_after(found)


def test_a_connection_that_was_not_synced_for_a_day(watch: Watch) -> None:
    with connected(watch) as connection:
        said = [f"{watch.clock() - timedelta(days=2):%Y-%m-%dT%H:%M:%SZ}", connection]
        sql = "update platform_connections set sync_status = 'success', last_synced_at = ? where id = ?"
        watch.stores.d1(CLEARLIFT).execute(sql, said)
        found = watch.found("clearlift/connection", connection)
        assert found.finding.severity is Severity.CRITICAL
        watch.gone_after(found)


def test_a_fresh_deployment_has_no_finding(watch: Watch) -> None:
    for _ in range(2):
        assert watch.tick() == []
    assert watch.alerts == []
