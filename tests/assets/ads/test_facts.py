"""What a merge makes of a report's rows: parts add up, repetitions count once, deleted entities keep their days."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from assets.ads.entities import ENTITIES
from resources.ad_platforms import Counting, Level, Record
from resources.postgres import Postgres
from tests.assets.ads.ad_stores import EMPTY
from tests.assets.ads.papers import DAY, KEYS, OF_LEVEL, Paper, conversion, fact
from tests.databases import database

LEVELS = tuple(OF_LEVEL)
EVERY_LEVEL = pytest.mark.parametrize("level", LEVELS)


@pytest.fixture(scope="module")
def shared(postgres_server: str, migrated_dsn: str) -> Iterator[Postgres]:
    with database(postgres_server, migrated_dsn) as dsn, Postgres(dsn) as postgres:
        yield postgres


@pytest.fixture
def paper(shared: Postgres, tmp_path: Path) -> Paper:
    shared.execute(EMPTY)
    return Paper(shared, tmp_path)


@EVERY_LEVEL
def test_rows_of_one_key_with_other_attributes_add_up(paper: Paper, level: Level) -> None:
    broad = fact(level, 100, 10, "25.00", conversions="2", segments=("Broad",))
    unknown = fact(level, 40, 4, "9.00", conversions="1", segments=("Unknown",))
    paper.report(level, [broad], [unknown])
    assert paper.facts(level) == {(KEYS[level], DAY): (140, 14, Decimal(34), Decimal(3))}


@EVERY_LEVEL
def test_a_page_that_is_delivered_twice_counts_once(paper: Paper, level: Level) -> None:
    page: list[Record] = [
        fact(level, 100, 10, "25.00", segments=("Broad",)),
        fact(level, 40, 4, "9.00", segments=("Unknown",)),
        conversion(level, "purchase", "2", segments=("Broad",)),
        conversion(level, "purchase", "1", segments=("Unknown",)),
    ]
    paper.report(level, page, page)
    assert paper.facts(level) == {(KEYS[level], DAY): (140, 14, Decimal(34), Decimal(0))}
    assert paper.conversions(level) == {("purchase", "7d_click"): (Decimal(3), True)}
    plain: list[Record] = [fact(level, 100, 10, "25.00")]
    paper.run()
    paper.report(level, plain, plain)
    assert paper.facts(level) == {(KEYS[level], DAY): (100, 10, Decimal(25), Decimal(0))}


@EVERY_LEVEL
def test_of_a_row_that_comes_again_the_last_counts_even_where_it_says_zero(paper: Paper, level: Level) -> None:
    paper.report(level, [fact(level, 100, 10, "25.00")], [fact(level, 0, 0, "0")])
    assert paper.facts(level) == {}
    paper.run()
    paper.report(level, [fact(level, 0, 0, "0")], [fact(level, 100, 10, "25.00")])
    assert paper.facts(level) == {(KEYS[level], DAY): (100, 10, Decimal(25), Decimal(0))}


@EVERY_LEVEL
@pytest.mark.parametrize("how", ["deleted", "not_listed"])
def test_what_a_deleted_entity_spent_stays(paper: Paper, level: Level, how: str) -> None:
    paper.listed()
    paper.report(level, [fact(level, 100, 10, "25.00"), conversion(level, "purchase", "2")])
    before = paper.facts(level), paper.conversions(level)
    paper.run()
    paper.listed(*([level] if how == "not_listed" else []), deleted=how == "deleted")
    result = paper.report(level, [])
    assert (paper.facts(level), paper.conversions(level)) == before
    assert (result.deleted, result.restated, result.doubtful) == (0, 0, 0)


@pytest.mark.parametrize("level", [Level.AD_GROUP, Level.AD, Level.KEYWORD])
def test_what_is_part_of_a_deleted_campaign_is_deleted_too(paper: Paper, level: Level) -> None:
    paper.listed()
    paper.report(level, [fact(level, 100, 10, "25.00")])
    paper.run()
    paper.listed(Level.CAMPAIGN)
    assert paper.report(level, []).deleted == 0
    assert len(paper.facts(level)) == 1


@EVERY_LEVEL
def test_a_day_of_a_listed_entity_that_is_named_no_more_is_worth_nothing(paper: Paper, level: Level) -> None:
    paper.listed()
    paper.report(level, [fact(level, 100, 10, "25.00"), conversion(level, "purchase", "2")])
    paper.run()
    paper.listed()
    result = paper.report(level, [])
    assert (paper.facts(level), paper.conversions(level)) == ({}, {})
    assert result.deleted == 2
    assert result.restated == (level is Level.CAMPAIGN)


@EVERY_LEVEL
def test_without_lists_of_the_same_run_nothing_is_deleted_and_the_doubt_is_counted(paper: Paper, level: Level) -> None:
    paper.listed()
    paper.report(level, [fact(level, 100, 10, "25.00")])
    paper.run()
    result = paper.report(level, [])
    assert (result.deleted, result.doubtful) == (0, 1)
    assert len(paper.facts(level)) == 1


@pytest.mark.parametrize("level", [Level.AD, Level.KEYWORD])
def test_what_another_run_stored_meanwhile_is_known_as_gone_by_the_run_that_has_the_lists(
    paper: Paper, level: Level
) -> None:
    """Two runs at once: one has merged the lists, which lack the entity, and the other one its facts."""
    paper.listed(level)
    first = paper.run_id
    paper.run()
    paper.report(level, [fact(level, 100, 10, "25.00")])
    paper.run_id = first
    paper.report(level, [fact(level, 100, 10, "25.00")])
    (row,) = paper.postgres.fetch(f"select deleted_at from {ENTITIES[level].table}")
    assert row["deleted_at"] is not None
    assert len(paper.facts(level)) == 1


@EVERY_LEVEL
def test_a_list_that_another_run_merged_meanwhile_takes_nothing_from_this_one(paper: Paper, level: Level) -> None:
    paper.listed()
    paper.report(level, [fact(level, 100, 10, "25.00")])
    paper.run()
    paper.listed()
    second = paper.run_id
    paper.run()
    paper.listed()
    paper.run_id = second
    result = paper.report(level, [])
    assert (result.deleted, result.doubtful, paper.facts(level)) == (1, 0, {})


@EVERY_LEVEL
def test_a_report_that_names_a_deleted_entity_on_another_day_leaves_nothing_out(paper: Paper, level: Level) -> None:
    next_day = DAY + timedelta(days=1)
    paper.listed()
    paper.report(level, [fact(level, 9, 1, "1"), fact(level, 8, 1, "2", day=next_day)], until=next_day)
    paper.run()
    paper.listed(deleted=True)
    paper.report(level, [fact(level, 8, 1, "2", day=next_day)], until=next_day)
    assert set(paper.facts(level)) == {(KEYS[level], next_day)}


@EVERY_LEVEL
def test_a_row_that_says_zero_is_zero_whatever_the_lists_say(paper: Paper, level: Level) -> None:
    paper.listed()
    paper.report(level, [fact(level, 100, 10, "25.00"), conversion(level, "purchase", "2")])
    paper.run()
    paper.listed(level)
    paper.report(level, [fact(level, 0, 0, "0")])
    assert (paper.facts(level), paper.conversions(level)) == ({}, {})


@EVERY_LEVEL
def test_actions_that_a_named_day_no_longer_has_are_gone(paper: Paper, level: Level) -> None:
    paper.report(level, [fact(level, 9, 1, "1"), conversion(level, "purchase", "2"), conversion(level, "lead", "1")])
    paper.run()
    paper.report(level, [fact(level, 9, 1, "1"), conversion(level, "lead", "4")])
    assert paper.conversions(level) == {("lead", "7d_click"): (Decimal(4), True)}


@EVERY_LEVEL
def test_a_replay_of_all_pages_changes_nothing(paper: Paper, level: Level) -> None:
    next_day = DAY + timedelta(days=1)
    paper.account()
    paper.listed()
    rows: list[Record] = [
        fact(level, 9, 1, "1", segments=("a",)),
        fact(level, 9, 1, "1", segments=("b",)),
        conversion(level, "x", "2"),
    ]
    paper.report(level, [*rows, fact(level, 5, 1, "3", day=next_day)], until=next_day)
    paper.run()
    paper.account()
    paper.listed()
    paper.report(level, rows, until=next_day)
    stored = paper.facts(level), paper.conversions(level)
    assert stored == ({(KEYS[level], DAY): (18, 2, Decimal(2), Decimal(0))}, {("x", "7d_click"): (Decimal(2), True)})
    paper.replay()
    assert (paper.facts(level), paper.conversions(level)) == stored
    paper.postgres.execute(
        "truncate ads.campaign_metrics_daily, ads.sync_state, ads.conversions_daily, ads.sync_runs cascade"
    )
    paper.replay()
    assert paper.conversions(level) == stored[1]


PURCHASES = Counting((("omni_purchase", "purchase"),), ("7d_click",), "Purchases.")


@EVERY_LEVEL
def test_all_actions_are_kept_and_the_first_name_of_an_event_counts(paper: Paper, level: Level) -> None:
    paper.counting = PURCHASES
    rows: list[Record] = [
        fact(level, 9, 1, "1", conversions="3"),
        conversion(level, "purchase", "3"),
        conversion(level, "omni_purchase", "3"),
        conversion(level, "omni_purchase", "1", window="1d_view"),
        conversion(level, "lead", "12"),
    ]
    paper.report(level, rows)
    assert paper.conversions(level) == {
        ("purchase", "7d_click"): (Decimal(3), False),
        ("omni_purchase", "7d_click"): (Decimal(3), True),
        ("omni_purchase", "1d_view"): (Decimal(1), False),
        ("lead", "7d_click"): (Decimal(12), False),
    }


@EVERY_LEVEL
def test_a_connection_names_its_conversions_and_stored_days_are_counted_again(paper: Paper, level: Level) -> None:
    paper.counting, paper.names = PURCHASES, {"lead": ("omni_lead", "lead")}
    rows: list[Record] = [
        fact(level, 9, 1, "1", conversions="3"),
        conversion(level, "purchase", "3"),
        conversion(level, "lead", "12"),
        conversion(level, "lead", "2", day=DAY + timedelta(days=1)),
    ]
    until = DAY + timedelta(days=1)
    paper.account()
    paper.listed()
    paper.report(level, rows, until=until)
    key = KEYS[level]
    assert paper.facts(level) == {(key, DAY): (9, 1, Decimal(1), Decimal(3))}

    # Days that no later sync reaches are counted by the new setting as well.
    paper.run()
    paper.actions = ["lead"]
    paper.account()
    assert paper.facts(level) == {(key, DAY): (9, 1, Decimal(1), Decimal(12))}
    paper.listed()
    result = paper.report(level, rows, until=until)
    assert paper.facts(level) == {
        (key, DAY): (9, 1, Decimal(1), Decimal(12)),
        # This day has nothing but a lead.
        (key, until): (0, 0, Decimal(0), Decimal(2)),
    }
    assert paper.conversions(level)["lead", "7d_click"][1] is True
    assert paper.postgres.fetch("select 1 from ads.restatements where date = %s", (DAY,)) == []
    again = paper.report(level, rows, until=until)
    assert (again.inserted, again.updated, again.deleted) == (0, 0, 0), result

    paper.run()
    paper.actions = []
    paper.account()
    assert paper.facts(level)[key, DAY] == (9, 1, Decimal(1), Decimal(3))


def test_actions_are_named_by_their_label_too(paper: Paper) -> None:
    paper.actions = ["Newsletter"]
    level = Level.CAMPAIGN
    paper.report(
        level, [fact(level, 9, 1, "1"), conversion(level, "77", "4", label="Newsletter"), conversion(level, "78", "1")]
    )
    assert paper.facts(level)[KEYS[level], DAY][-1] == Decimal(4)
