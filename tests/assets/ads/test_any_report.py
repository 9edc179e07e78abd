"""A platform restates, splits, repeats, deletes and leaves out: stored is what it said last of each day."""

import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.ad_platforms import Campaign, Conversion, Counting, Fact, Level, Stream
from resources.postgres import Postgres
from tests.assets.ads.ad_stores import EMPTY
from tests.assets.ads.papers import DAY, Paper, conversion, fact
from tests.databases import database
from tests.examples import examples

LEVEL = Level.CAMPAIGN
DAYS = [DAY + timedelta(days=n) for n in range(3)]
CAMPAIGNS = ("1", "2", "3")
SEGMENTS = (("Broad",), ("Exact",), ())
ACTIONS = ("purchase", "omni_purchase", "lead")
COUNTING = Counting((("omni_purchase", "purchase"),), (), "Purchases.")
Key = tuple[str, date]


@dataclass
class Said:
    """What a platform says in one report: the rows of each entity's day, and who is deleted by then.

    zeros: days that it says are zero in so many words.
    """

    facts: dict[Key, list[Fact]] = field(default_factory=dict)
    conversions: dict[Key, list[Conversion]] = field(default_factory=dict)
    zeros: set[Key] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)


@st.composite
def reports(draw: st.DrawFn) -> Said:
    said = Said(deleted=draw(st.sets(st.sampled_from(CAMPAIGNS))))
    for campaign in CAMPAIGNS:
        for day in DAYS:
            what = draw(st.sampled_from(["nothing", "zero", "numbers", "numbers"]))
            key = (campaign, day)
            if what == "zero":
                said.zeros.add(key)
            if what != "numbers":
                continue
            parts = draw(st.lists(st.sampled_from(SEGMENTS), min_size=1, unique=True))
            said.facts[key] = [
                fact(
                    LEVEL,
                    draw(st.integers(1, 50)),
                    draw(st.integers(0, 9)),
                    draw(st.sampled_from(["0", "1.25", "3.10"])),
                    day=day,
                    campaign=campaign,
                    segments=part,
                )
                for part in parts
            ]
            said.conversions[key] = [
                conversion(LEVEL, action, str(draw(st.integers(1, 9))), day=day, campaign=campaign, segments=part)
                for action in draw(st.lists(st.sampled_from(ACTIONS), unique=True))
                for part in parts
            ]
    return said


@pytest.fixture(scope="module")
def shared(postgres_server: str, migrated_dsn: str) -> Iterator[Postgres]:
    with database(postgres_server, migrated_dsn) as dsn, Postgres(dsn) as postgres:
        yield postgres


@examples(10, 100)
@given(history=st.lists(reports(), min_size=1, max_size=4), chance=st.randoms(use_true_random=False))
def test_stored_is_what_was_said_last(shared: Postgres, history: list[Said], chance: random.Random) -> None:
    shared.execute(EMPTY)
    with tempfile.TemporaryDirectory() as folder:
        paper = Paper(shared, Path(folder), counting=COUNTING)
        paper.account()
        facts: dict[Key, tuple[int, int, Decimal]] = {}
        actions: dict[tuple[Key, str], Decimal] = {}
        for said in history:
            paper.run()
            paper._merge(Stream.CAMPAIGNS, [[Campaign(one, one, "", one in said.deleted) for one in CAMPAIGNS]])
            paper.report(LEVEL, *_pages(said, chance), since=DAYS[0], until=DAYS[-1])
            named = {one for one, _ in (*said.facts, *said.zeros)}
            for key in [(one, day) for one in CAMPAIGNS for day in DAYS]:
                if key[0] in named or key[0] not in said.deleted:
                    _expect(said, key, facts, actions)
            stored = {key: values[:3] for key, values in paper.facts(LEVEL).items()}
            assert stored == {(f"paper:9:{one}", day): values for (one, day), values in facts.items()}
            rows = shared.fetch("select entity_id, date, action, count from ads.conversions_daily")
            assert {((r["entity_id"], r["date"]), r["action"]): r["count"] for r in rows} == {
                ((f"paper:9:{one}", day), action): count for ((one, day), action), count in actions.items()
            }
        _counts_the_first_name(shared)


def _pages(said: Said, chance: random.Random) -> list[list[Fact | Conversion]]:
    """The rows in pages of any order, some of them twice."""
    rows: list[Fact | Conversion] = [row for parts in said.facts.values() for row in parts]
    rows += [row for parts in said.conversions.values() for row in parts]
    rows += [fact(LEVEL, 0, 0, "0", day=day, campaign=one) for one, day in said.zeros]
    chance.shuffle(rows)
    pages = [rows[n : n + 4] for n in range(0, len(rows), 4)] or [[]]
    return [page for page in pages for _ in range(chance.choice((1, 1, 2)))]


def _expect(
    said: Said,
    key: Key,
    facts: dict[Key, tuple[int, int, Decimal]],
    actions: dict[tuple[Key, str], Decimal],
) -> None:
    facts.pop(key, None)
    for action in ACTIONS:
        actions.pop((key, action), None)
    parts = said.facts.get(key, [])
    if parts:
        facts[key] = (
            sum(f.impressions for f in parts),
            sum(f.clicks for f in parts),
            sum((f.spend for f in parts), Decimal(0)),
        )
    for one in said.conversions.get(key, []):
        actions[key, one.action] = actions.get((key, one.action), Decimal(0)) + one.count


def _counts_the_first_name(postgres: Postgres) -> None:
    names: dict[Key, dict[str, bool]] = {}
    for row in postgres.fetch("select entity_id, date, action, is_counted from ads.conversions_daily"):
        names.setdefault((row["entity_id"], row["date"]), {})[row["action"]] = row["is_counted"]
    for found in names.values():
        wanted = next((name for name in COUNTING.alternatives[0] if name in found), None)
        assert [name for name, is_counted in found.items() if is_counted] == ([wanted] if wanted else [])
