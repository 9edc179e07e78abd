"""A heavy day of events in small files, made by two engines, and what each made of it. No fixtures here."""

import random
from collections import Counter
from datetime import timedelta
from typing import Any

from assets.compaction.plan import CompactionPolicy
from assets.compaction.rewrite import Compacted, Compaction
from assets.other_engine import Elsewhere
from assets.rollups.build import RollUp
from assets.rollups.definition import Grain
from assets.windows import Window
from tests.assets.rollups.event_lake import EventLake, Rows, at, event

DAY = Window(at(19), at(20))
MERGE_ALL = CompactionPolicy(min_files=2, min_gain=0.0)


def fill(event_lake: EventLake, files: int = 6, events: int = 120) -> None:
    """Two organisations with a file an append, values that a decimal rounds, missing texts, and text of all kinds."""
    drawn = random.Random(7)
    for number in range(files):
        event_lake.append(
            *(
                event(
                    org_tag=drawn.choice(["a3f7c2", "b8e9d1"]),
                    timestamp=DAY.start + timedelta(microseconds=drawn.randrange(86_400_000_000)),
                    event_id=f"{number}-{n}",
                    session_id=f"s{drawn.randrange(40)}",
                    anonymous_id=f"v{drawn.randrange(30)} \u00e9\U0001f600",
                    event_type=drawn.choice(["page_view", "purchase"]),
                    event_value=drawn.choice([None, 0.1, 2.0000005, -7.1234565, 1e15, 12345678.9]),
                    utm_source=drawn.choice([None, "", "Google ", "newsletter"]),
                    utm_campaign=drawn.choice([None, "spring"]),
                    page_hostname="shop.example",
                    page_path=drawn.choice(["/", "/\u00e4"]),
                    referrer_domain=drawn.choice([None, "www.google.de", "shop.example"]),
                    viewport_width=drawn.randrange(2_000),
                )
                for n in range(events)
            )
        )


def roll_up(event_lake: EventLake, elsewhere: Elsewhere | None) -> tuple[Rows, int]:
    """Both grains of the day; the rows of all tables, and how many days the other engine counted."""
    days = 0
    for grain in Grain:
        engine = RollUp(event_lake.app, grain, event_lake.events, event_lake.postgres, event_lake.clock)
        engine.elsewhere = elsewhere
        days += engine.run(DAY).elsewhere
    return event_lake.rows(), days


def compact(event_lake: EventLake, elsewhere: Elsewhere | None) -> Compacted:
    return Compaction(event_lake.events, MERGE_ALL, elsewhere=elsewhere).run()


def stored(event_lake: EventLake) -> Counter[tuple[Any, ...]]:
    """Every row of the lake with all columns."""
    return Counter(event_lake.events.scan().collect().iter_rows())
