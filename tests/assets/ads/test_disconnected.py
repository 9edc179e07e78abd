"""A connection that named another organisation's account, and was corrected."""

from datetime import timedelta

import pytest
from dagster import AssetCheckKey, AssetCheckSeverity, AssetKey, AssetSelection

from assets.ads import disconnected
from assets.ads.disconnected import DisconnectedAccounts
from resources.declined import DeclinedError
from tests.assets.ads.ad_stores import TABLE, AdStores
from tests.assets.ads.test_assets import checks, materialized
from tests.assets.ads.test_sync_config import asked_days

pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")
OWN = "777"


def accounts(ad_stores: AdStores) -> DisconnectedAccounts:
    engine = ad_stores.engine("tiktok")
    return DisconnectedAccounts(ad_stores.app, engine.connections, ad_stores.postgres, engine.staging)


def rows(ad_stores: AdStores, org: str) -> dict[str, int]:
    counts = {
        table: ad_stores.postgres.fetch(f"select count(*) as n from ads.{table} where org_id = %s", (org,))[0]["n"]
        for table in disconnected.TABLES
    }
    return {table: count for table, count in counts.items() if count}


def sync_both_and_correct(ad_stores: AdStores) -> None:
    """Two organisations sync one account; then the second one's connection names an account of its own."""
    for org in ("org-a", "org-b"):
        ad_stores.connect(org=org, only=["tiktok"], lookback_days=3)
    assert {result.error for result in ad_stores.sync("tiktok")} == {None}
    assert accounts(ad_stores).find() == []
    ad_stores.d1.execute(f"update {TABLE} set account_id = '{OWN}' where organization_id = 'org-b'")


def test_rows_of_an_account_that_no_connection_names_are_found_and_removed(tiny: AdStores) -> None:
    sync_both_and_correct(tiny)
    kept = rows(tiny, "org-a")
    (found,) = accounts(tiny).find()
    assert (found.org_id, found.account_id) == ("org-b", tiny.connection("tiktok")["account_id"])
    assert found.is_of_another
    assert found.campaign_days > 0
    assert list(accounts(tiny).remove()) == [found]
    assert accounts(tiny).find() == []
    assert rows(tiny, "org-b") == {}
    assert rows(tiny, "org-a") == kept
    staged = {info.key.split("/")[3] for info in tiny.store.list()}
    assert staged == {tiny.connection("tiktok")["id"]}, "a replay makes none of the rows again"


def test_every_table_with_an_account_is_named(tiny: AdStores) -> None:
    found = tiny.postgres.fetch(
        "select table_name as name from information_schema.columns c join information_schema.tables t"
        " using (table_schema, table_name) where table_schema = 'ads' and column_name = 'account_id'"
        " and table_type = 'BASE TABLE'"
    )
    assert {row["name"] for row in found} == set(disconnected.TABLES)


def test_without_any_connection_nothing_is_removed(tiny: AdStores) -> None:
    sync_both_and_correct(tiny)
    tiny.d1.execute(f"delete from {TABLE}")
    with pytest.raises(DeclinedError, match="no connection at all"):
        list(accounts(tiny).remove())
    assert rows(tiny, "org-b")


def test_the_check_names_the_account_and_fails_where_it_is_anothers(tiny: AdStores) -> None:
    only = AssetSelection.checks(AssetCheckKey(AssetKey(["clearlift", "ads", "campaigns"]), "accounts_connected"))
    sync_both_and_correct(tiny)
    account = tiny.d1.query(f"select account_id from {TABLE} where organization_id = 'org-a'")[0]["account_id"]
    for severity in (AssetCheckSeverity.ERROR, AssetCheckSeverity.WARN):
        result = materialized(tiny, {}, "2026-11-20", "2026-11-20", only=only)
        check = checks(result)["campaigns", "accounts_connected"]
        assert (check.passed, check.severity) == (False, severity)
        assert f"org-b: tiktok account {account}" in str(check.description)
        assert "`clearlift disconnected`" in str(check.description)
        tiny.d1.execute(f"delete from {TABLE} where organization_id = 'org-a'")


def test_a_corrected_connection_begins_its_account_from_the_start(tiny: AdStores) -> None:
    tiny.connect(only=["tiktok"], lookback_days=3)
    right = tiny.connection("tiktok")["account_id"]
    tiny.sync("tiktok")
    tiny.postgres.execute("update ads.sync_state set account_id = 'wrong'")
    tiny.sandbox.clock.advance(timedelta(minutes=1))
    (result,) = tiny.sync("tiktok")
    assert result.error is None
    first, last = asked_days(tiny)
    assert (last - first).days == 3
    assert tiny.postgres.fetch("select distinct account_id from ads.sync_state") == [{"account_id": right}]
