"""Connections as D1 has them: tiers, settings, sealed credentials."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from assets.ads import connections
from assets.ads.config import ConnectionSettingsError, SyncConfig
from assets.ads.connections import AdConnection, Connections, ConnectionSettings
from assets.ads.sync import accounts_of
from assets.apps.clearlift import APP as CLEARLIFT
from resources.keyring import Keyring, SealError
from tests.assets.ads.ad_stores import AdStores

RING = Keyring({1: bytes(32)})
ACCOUNTS = accounts_of(CLEARLIFT)
SECRET = "1//0gX-refresh-token"


Document = dict[str, Any]


def connection(settings: Document | str | None, sealed: Document | None = None, row: str = "c1") -> AdConnection:
    text = json.dumps(settings) if isinstance(settings, dict) else settings
    closed = None
    if sealed is not None:
        closed = RING.seal_text(json.dumps(sealed), table="platform_connections", column="settings_encrypted", row=row)
    return AdConnection("c1", "org-a", "google", "1", "pro", text, closed)


def opened(row: AdConnection) -> ConnectionSettings:
    return Connections(ACCOUNTS, None, RING).open(row)  # type: ignore[arg-type]


def test_settings_come_from_the_sealed_column_and_sync_config_from_either() -> None:
    sealed = {"oauth": {"access_token": "x"}, "app": {"client_id": "i"}}
    found = opened(connection({"sync_config": {"lookback_days": 7}}, sealed))
    assert (found.oauth["access_token"], found.application["client_id"], found.sync.lookback_days) == ("x", "i", 7)
    assert found.sync.include_keywords


@pytest.mark.parametrize(
    ("settings", "sealed", "named"),
    [
        (None, None, "no credentials"),
        ("[]", None, "settings: not a JSON object"),
        ("{", None, "settings: not a JSON object"),
        ({"sync_config": []}, {"oauth": {"access_token": "x"}}, "sync_config: not an object"),
        ({"sync_config": {"lookback_days": "30"}}, {"oauth": {"access_token": "x"}}, "lookback_days: int is expected"),
        ({"sync_config": {"lookback_days": 0}}, {"oauth": {"access_token": "x"}}, "1 to 365"),
        ({"sync_config": {"lookback_days": 366}}, {"oauth": {"access_token": "x"}}, "1 to 365"),
        ({"sync_config": {"lookback_days": True}}, {"oauth": {"access_token": "x"}}, "lookback_days: int is expected"),
        ({"sync_config": {"include_keywords": 1}}, {"oauth": {"access_token": "x"}}, "include_keywords: bool"),
        ({"sync_config": {"include_ad_groups": None}}, {"oauth": {"access_token": "x"}}, "include_ad_groups: bool"),
        ({"sync_config": {"click_window": "7"}}, {"oauth": {"access_token": "x"}}, "click_window: int is expected"),
        ({"sync_config": {"include_ads": "no"}}, {"oauth": {"access_token": "x"}}, "include_ads: bool is expected"),
        (
            {"sync_config": {"conversion_actions": "lead"}},
            {"oauth": {"access_token": "x"}},
            "conversion_actions: a list",
        ),
        ({"sync_config": {"conversion_actions": [""]}}, {"oauth": {"access_token": "x"}}, "conversion_actions: a list"),
        ({"sync_config": {"conversion_actions": [7]}}, {"oauth": {"access_token": "x"}}, "conversion_actions: a list"),
    ],
)
def test_bad_settings_are_one_clear_error(settings: Any, sealed: dict[str, Any] | None, named: str) -> None:
    with pytest.raises(ConnectionSettingsError, match=named):
        opened(connection(settings, sealed))


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({}, SyncConfig(30)),
        (
            {"lookback_days": 1, "click_window": 28, "view_window": 0},
            SyncConfig(1, windows={"click_window": "28", "view_window": "0"}),
        ),
        ({"lookback_days": 365, "include_ad_groups": False}, SyncConfig(365, include_ad_groups=False)),
        (
            {"lookback": 5},
            SyncConfig(30, unknown=("sync_config.lookback is no setting: lookback_days may be meant",)),
        ),
        (
            {"conversion_actions": ["lead", "purchase", "lead"], "include_ads": False},
            SyncConfig(include_ads=False, conversion_actions=("lead", "purchase")),
        ),
    ],
)
def test_what_sync_config_leaves_out_is_as_by_default(given: dict[str, Any], meant: SyncConfig) -> None:
    oauth = {"oauth": {"access_token": "x"}}
    assert opened(connection({"sync_config": given}, oauth)).sync == meant
    assert opened(connection({}, {**oauth, "sync_config": given})).sync == meant


def test_credentials_of_another_row_do_not_open() -> None:
    with pytest.raises(SealError):
        opened(connection({}, {"oauth": {"access_token": "x"}}, row="another"))


def test_no_secret_is_in_a_repr() -> None:
    found = connection({"oauth": {"refresh_token": SECRET}})
    assert SECRET not in repr(found)
    assert SECRET not in repr(opened(found))


def test_tiers_pages_and_inactive_connections(ads_bench: AdStores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "PAGE", 1)
    bench_connections = ads_bench.engine("google").connections
    ads_bench.connect(org="org-a", tier="pro", only=["google"])
    ads_bench.connect(org="org-b", tier="free", only=["google", "tiktok"])
    every = [c for page in bench_connections.active("google") for c in page]
    assert [(c.org_id, c.tier) for c in every] == [("org-a", "pro")] * 2 + [("org-b", "free")] * 2
    free = [c for page in bench_connections.active("google", tiers=["free"]) for c in page]
    assert {c.org_id for c in free} == {"org-b"}
    one = [c for page in bench_connections.active("google", connection=every[2].id) for c in page]
    assert [c.id for c in one] == [every[2].id]
    ads_bench.d1.execute("update platform_connections set is_active = 0 where organization_id = 'org-a'")
    assert {c.org_id for page in bench_connections.active("google") for c in page} == {"org-b"}


def test_credentials_left_in_clear_are_sealed_by_the_first_sync(tiny: AdStores) -> None:
    tiny.connect(only=["google"])
    row = tiny.connection("google")
    document = tiny.sandbox.credentials("google", row["account_id"])
    plain = json.dumps({**document, "note": "kept"})
    tiny.d1.execute("update platform_connections set settings = ?, settings_encrypted = null", [plain])
    assert [o.error for o in tiny.sync("google")] == [None]
    after = tiny.connection("google")
    assert json.loads(after["settings"]) == {"sync_config": document["sync_config"], "note": "kept"}
    oauth = document["oauth"]
    for secret in (oauth["access_token"], oauth["refresh_token"], document["app"]["client_secret"]):
        assert secret not in json.dumps(after)
    assert [o.error for o in tiny.sync("google")] == [None]


def test_a_rotated_token_is_stored_before_the_next_call(tiny: AdStores) -> None:
    tiny.connect(only=["microsoft"])
    before = tiny.connection("microsoft")["settings_encrypted"]
    tiny.sandbox.tokens.expire("microsoft", tiny.connection("microsoft")["account_id"])
    stored_at: list[int] = []
    real = Connections.keep

    def keeping(*arguments: Any) -> None:
        stored_at.append(len(tiny.sandbox.log))
        real(*arguments)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Connections, "keep", keeping)
        assert [o.error for o in tiny.sync("microsoft")] == [None]
    tokens = [n for n, entry in enumerate(tiny.sandbox.log) if "oauth2" in entry.path]
    assert stored_at == [tokens[0] + 1], "the token's answer is the last thing that happened before it is stored"
    after = tiny.connection("microsoft")["settings_encrypted"]
    assert before != after
    # The rotated refresh token is the one that is good now.
    tiny.sandbox.tokens.expire("microsoft", tiny.connection("microsoft")["account_id"])
    assert [o.error for o in tiny.sync("microsoft")] == [None]


def test_how_a_sync_went_is_reported_in_d1(tiny: AdStores) -> None:
    tiny.connect(only=["google"])
    stored = tiny.engine("google").connections
    (found,) = next(stored.active("google"))
    stored.report(found, "success", at=datetime(2026, 11, 20, 12, 30, tzinfo=UTC))
    stored.report(found, "error", error="why")
    row = tiny.connection("google")
    assert (row["sync_status"], row["sync_error"], row["last_synced_at"]) == ("error", "why", "2026-11-20T12:30:00Z")
