"""Syncs on the command line: a platform that fails completely, and a summary by app."""

import re
from collections.abc import Mapping

import click
import pytest
from dagster import AssetKey

from assets.ads.assets import TABLES
from assets.apps.clearlift import APP as CLEARLIFT
from assets.apps.sesh import APP as SESH
from clearlift_pipelines.cli import ads
from clearlift_pipelines.cli.execution import workbench
from clearlift_pipelines.cli.sandbox import sample_platforms
from sandbox import sample_stores
from tests.clearlift_pipelines.cli.terminal import Terminal

ONE_EACH = """
update platform_connections set is_active = 0
where id not in (select min(id) from platform_connections where platform in ('tiktok', 'microsoft') group by platform)
"""
ONE_CONNECTION = """
insert into platform_connections (id, organization_id, platform, account_id, connected_by)
select 'mine', organizations.id, 'google', '1', users.id from organizations, users limit 1
"""
UNSIGNED = "update platform_connections set settings_encrypted = null where platform = 'tiktok'"


def test_where_a_platform_fails_completely_the_tables_are_counted_with_the_others(terminal: Terminal) -> None:
    terminal.stores.migrate()
    d1 = terminal.stores.d1(CLEARLIFT)
    sample_stores.fill_d1(d1)
    with workbench() as bench, sample_platforms(bench.stores):
        d1.execute(ONE_EACH)
        d1.execute(UNSIGNED)
        with pytest.raises(click.ClickException) as refused:
            ads.sync(bench, CLEARLIFT)
        assert re.fullmatch(
            r"1 of 1 TikTok\S* connection failed: \S+: the connection has no credentials\."
            r" Next: connect the account again in the application",
            refused.value.message,
        )
        made = bench.instance.fetch_materializations
        for name in TABLES:
            (record,) = made(AssetKey(["clearlift", "ads", name]), limit=2).records
            materialization = record.asset_materialization
            assert materialization is not None
            counted = materialization.metadata["rows_by_platform"].value
            assert isinstance(counted, Mapping)
            assert counted.keys() <= {"microsoft"}
        assert terminal.stores.postgres.fetch("select distinct platform from ads.campaigns") == [
            {"platform": "microsoft"}
        ]
        assert [row["platform"] for row in ads.summary(bench.stores, CLEARLIFT).rows] == ["microsoft"]
        assert ads.summary(bench.stores, SESH).rows == []


def test_an_unknown_connection_is_one_line_that_names_those_there_are(migrated: Terminal) -> None:
    days = ("--from", "2026-01-01", "--to", "2026-01-02")
    unknown = "Error: no active google connection has the id 'nosuch'. Next: "
    said = migrated.clearlift("backfill", "ads", "--platform", "google", "--connection", "nosuch", *days)
    assert said.code == 1
    assert said.err == f"{unknown}connect an account of google in the application\n"
    migrated.stores.d1(CLEARLIFT).execute(ONE_CONNECTION)
    said = migrated.clearlift("backfill", "ads", "--platform", "google", "--connection", "nosuch", *days)
    assert said.err == f"{unknown}name one of mine, or none for all\n"
    said = migrated.clearlift("backfill", "ads", "--platform", "google", "--connection", "nosuch", "--replay")
    assert said.err.startswith(
        "Error: nothing is staged of a google connection 'nosuch'. Next: `clearlift backfill ads "
    )
