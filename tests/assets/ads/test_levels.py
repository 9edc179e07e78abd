"""The checks between levels: what may differ passes, what cannot be is found."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from assets.ads.rounding import WHOLE_CURRENCIES
from assets.apps.clearlift import APP
from resources.ad_platforms import Counting, Level, Record
from resources.postgres import Postgres
from resources.sql_files import read_sql
from tests.assets.ads.ad_stores import EMPTY
from tests.assets.ads.papers import DAY, KEYS, Paper, conversion, fact
from tests.databases import database

DAYS = {"app": APP.name, "platform": "paper", "since": DAY - timedelta(days=1), "until": DAY}


@pytest.fixture(scope="module")
def shared(postgres_server: str, migrated_dsn: str) -> Iterator[Postgres]:
    with database(postgres_server, migrated_dsn) as dsn, Postgres(dsn) as postgres:
        yield postgres


@pytest.fixture
def paper(shared: Postgres, tmp_path: Path) -> Paper:
    shared.execute(EMPTY)
    return Paper(shared, tmp_path)


def impossible(paper: Paper) -> list[tuple[str, str, str]]:
    """Pairs of levels that cannot be so, with the entity of the upper one."""
    rows = paper.postgres.fetch(read_sql("ads/levels_agree.sql"), {**DAYS, "whole": list(WHOLE_CURRENCIES)})
    return [(row["level"], row["below"], row["id"]) for row in rows]


CAMPAIGN, GROUP = KEYS[Level.CAMPAIGN], KEYS[Level.AD_GROUP]


def test_an_upper_level_may_have_more_than_the_lower_one(paper: Paper) -> None:
    """Dynamic search ads have no keyword, Performance Max has no ad group."""
    paper.listed()
    paper.report(Level.CAMPAIGN, [fact(Level.CAMPAIGN, 500, 50, "30.00")])
    paper.report(Level.AD_GROUP, [fact(Level.AD_GROUP, 100, 10, "10.00")])
    paper.report(Level.KEYWORD, [fact(Level.KEYWORD, 70, 7, "7.00")])
    paper.report(Level.AD, [fact(Level.AD, 100, 10, "10.00")])
    assert impossible(paper) == []


@pytest.mark.parametrize("level", [Level.KEYWORD, Level.AD])
@pytest.mark.parametrize("more", [(101, 10, "10.00"), (100, 11, "10.00"), (100, 10, "10.02")])
def test_a_lower_level_may_not_have_more(paper: Paper, level: Level, more: tuple[int, int, str]) -> None:
    paper.listed()
    paper.report(Level.CAMPAIGN, [fact(Level.CAMPAIGN, 500, 50, "30.00")])
    paper.report(Level.AD_GROUP, [fact(Level.AD_GROUP, 100, 10, "10.00")])
    paper.report(level, [fact(level, *more)])
    assert impossible(paper) == [("ad_group", level.value, GROUP)]


def test_an_ad_group_without_its_campaign_cannot_be(paper: Paper) -> None:
    paper.listed()
    paper.report(Level.AD_GROUP, [fact(Level.AD_GROUP, 100, 10, "10.00")])
    assert impossible(paper) == [("campaign", "ad_group", CAMPAIGN)]


@pytest.mark.parametrize(("currency", "spend", "wrong"), [("USD", "10.01", 0), ("USD", "10.02", 1), ("JPY", "11", 0)])
def test_each_row_may_be_rounded_by_half_a_coin(paper: Paper, currency: str, spend: str, wrong: int) -> None:
    paper.currency = currency
    paper.listed()
    paper.report(Level.CAMPAIGN, [fact(Level.CAMPAIGN, 100, 10, "10")])
    paper.report(Level.AD_GROUP, [fact(Level.AD_GROUP, 100, 10, spend)])
    assert len(impossible(paper)) == wrong


def test_conversions_are_the_sum_of_the_actions_that_count(paper: Paper) -> None:
    paper.counting = Counting((("purchase",),))
    level = Level.CAMPAIGN
    rows: list[Record] = [
        fact(level, 9, 1, "1", conversions="3"),
        conversion(level, "purchase", "3"),
        conversion(level, "lead", "5"),
    ]
    paper.report(level, rows)
    assert paper.postgres.fetch(read_sql("ads/conversions_differ.sql"), DAYS) == []
    paper.postgres.execute("update ads.campaign_metrics_daily set conversions = 4")
    (row,) = paper.postgres.fetch(read_sql("ads/conversions_differ.sql"), DAYS)
    assert (row["entity_id"], row["conversions"], row["of_actions"]) == (CAMPAIGN, 4, 3)
    # Days that were loaded before actions were have none, and prove nothing.
    paper.postgres.execute("truncate ads.conversions_daily")
    assert paper.postgres.fetch(read_sql("ads/conversions_differ.sql"), DAYS) == []
