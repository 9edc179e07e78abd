"""The funnel and the drop-off: what they count, what they show, where they lie."""

import base64
import io
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from assets.growth import drop_off, funnel, plot, reports
from resources.postgres import Postgres
from resources.r2 import FolderObjectStore
from tests.assets.growth.app_database import GROWTH, NOW

LEAD_STATUSES = ("new", "contacted", "qualified", "converted", "lost")
STEPS = ("signup", "business_info", "whatsapp_setup", "bot_setup", "testing", "launch")
DAY = timedelta(days=1)


def lead(source: str, status: str, leads: int) -> dict[str, Any]:
    return {"source": source, "status": status, "leads": leads}


def test_the_funnel_counts_who_got_at_least_so_far() -> None:
    rows = [lead("ads", "new", 5), lead("ads", "qualified", 3), lead("ads", "converted", 2), lead("web", "lost", 4)]
    assert funnel.frame(rows).to_dict("records") == [
        {
            "source": "ads",
            "captured": 10,
            "contacted": 5,
            "qualified": 5,
            "converted": 2,
            "lost": 0,
            "conversion_percent": 20.0,
        },
        {
            "source": "web",
            "captured": 4,
            "contacted": 0,
            "qualified": 0,
            "converted": 0,
            "lost": 4,
            "conversion_percent": 0.0,
        },
        {
            "source": "all",
            "captured": 14,
            "contacted": 5,
            "qualified": 5,
            "converted": 2,
            "lost": 4,
            "conversion_percent": 14.3,
        },
    ]
    assert funnel.bars(funnel.frame(rows)) == [("captured", 14), ("contacted", 5), ("qualified", 5), ("converted", 2)]


@settings(max_examples=40)
@given(st.dictionaries(st.tuples(st.text(max_size=8), st.sampled_from(LEAD_STATUSES)), st.integers(1, 50), max_size=60))
def test_every_lead_is_in_one_row_and_no_stage_is_larger_than_the_one_before(
    leads: dict[tuple[str, str], int],
) -> None:
    frame = funnel.frame([lead(source, status, number) for (source, status), number in leads.items()])
    assert list(frame.columns) == funnel.COLUMNS
    assert funnel.total(frame) == sum(leads.values())
    assert len(frame) <= funnel.MOST_SOURCES + 2
    for before, after in zip(funnel.STAGES, funnel.STAGES[1:], strict=False):
        assert (frame[before] >= frame[after]).all()
    assert [stage for stage, _ in funnel.bars(frame)] == (list(funnel.STAGES) if leads else [])


def test_a_source_that_names_a_person_or_is_markup_is_not_shown_as_it_is() -> None:
    rows = [
        lead("ann@example.com", "new", 1),
        lead("a|b\n<i>", "new", 1),
        lead("x y " * 30, "new", 1),
        lead("", "new", 1),
    ]
    shown = set(funnel.frame(rows)["source"])
    assert shown == {"[redacted]", "a|b <i>", ("x y " * 30)[: funnel.LONGEST_SOURCE], "empty", "all"}
    text = reports.Report(funnel.frame(rows), [], 4, 4).metadata("Leads")["report"].value
    assert isinstance(text, str)
    assert "| a\\|b \\<i\\> " in text


def step(position: int, status: str | None, sessions: int, progress: float = 0.0) -> dict[str, Any]:
    return {
        "step": STEPS[position - 1],
        "position": position,
        "status": status,
        "sessions": sessions,
        "progress": progress,
    }


def test_the_drop_off_counts_who_reached_a_step_and_who_left_there() -> None:
    rows = [step(1, "abandoned", 2, 0), step(1, "in_progress", 2, 10), step(2, None, 0), step(3, "completed", 4, 100)]
    assert drop_off.frame(rows).to_dict("records") == [
        {
            "step": "signup",
            "reached": 8,
            "in_progress": 2,
            "completed": 0,
            "abandoned": 2,
            "drop_off_percent": 25.0,
            "average_progress": 5.0,
        },
        {
            "step": "business_info",
            "reached": 4,
            "in_progress": 0,
            "completed": 0,
            "abandoned": 0,
            "drop_off_percent": 0.0,
            "average_progress": "",
        },
        {
            "step": "whatsapp_setup",
            "reached": 4,
            "in_progress": 0,
            "completed": 4,
            "abandoned": 0,
            "drop_off_percent": 0.0,
            "average_progress": 100.0,
        },
    ]
    assert drop_off.bars(drop_off.frame(rows))[0] == ("signup", 8)


@settings(max_examples=40)
@given(
    st.dictionaries(st.tuples(st.integers(1, 6), st.sampled_from(drop_off.STATUSES)), st.integers(1, 50), max_size=18)
)
def test_every_session_is_in_one_step_and_no_step_is_reached_by_more_than_the_one_before(
    sessions: dict[tuple[int, str], int],
) -> None:
    found = [step(position, status, number) for (position, status), number in sessions.items()]
    empty = [step(n, None, 0) for n in range(1, 7) if n not in {position for position, _ in sessions}]
    frame = drop_off.frame([*found, *empty])
    assert list(frame["step"]) == list(STEPS)
    assert drop_off.total(frame) == sum(sessions.values()) == frame["reached"].iloc[0]
    assert (frame["reached"].diff().dropna() <= 0).all()
    known = frame[frame["drop_off_percent"] != ""]
    assert known["drop_off_percent"].between(0, 100).all()
    assert list(known["step"]) == list(frame[frame["reached"] > 0]["step"])


def test_reports_of_nothing_are_empty_and_can_be_shown() -> None:
    for rules in (funnel, drop_off):
        frame = rules.frame([])
        assert (len(frame), rules.total(frame), rules.bars(frame)) == (0, 0, [])
        shown = reports.Report(frame, [], 0, 0).metadata("Nothing")
        assert shown["table"].value == "none"


@settings(max_examples=40)
@given(st.lists(st.tuples(st.text(st.characters(codec="utf-8"), max_size=30), st.integers(0, 10**9)), max_size=8))
def test_a_plot_of_any_numbers_is_an_image_with_longer_bars_for_larger_numbers(numbers: list[tuple[str, int]]) -> None:
    image = Image.open(io.BytesIO(plot.bars(numbers))).convert("RGB")
    assert image.size == (plot.WIDTH, plot.ROW * max(1, len(numbers)) + 2 * plot.MARGIN)
    colour = tuple(bytes.fromhex(plot.BAR.removeprefix("#")))
    lengths = []
    for row in range(len(numbers)):
        line = [image.getpixel((x, plot.MARGIN + row * plot.ROW + 5)) for x in range(plot.LABEL, plot.WIDTH)]
        lengths.append(line.count(colour))
    order = sorted(range(len(numbers)), key=lambda row: numbers[row][1])
    assert [lengths[row] for row in order] == sorted(lengths)


def test_reports_are_made_of_their_days_shown_and_stored(own: Postgres, tmp_path: Path) -> None:
    own.execute(
        "insert into marketing.leads (email, source, status, created_at) values"
        " ('a@example.com', 'ads', 'converted', %(now)s - interval '1 day'),"
        " ('b@example.com', 'ads', 'new', %(now)s - interval '29 days'),"
        " ('c@example.com', 'web', 'new', %(now)s - interval '31 days')",
        {"now": NOW},
    )
    own.execute(
        "insert into onboarding.sessions (session_token, started_at, signup_completed_at) values"
        " ('token-number-1', %(now)s - interval '1 day', %(now)s - interval '1 day'),"
        " ('token-number-2', %(now)s - interval '1 day', null), ('token-number-3', %(now)s - interval '8 days', null)",
        {"now": NOW},
    )
    made = reports.make("funnel", own, GROWTH, NOW - 30 * DAY, NOW)
    assert (made.said, made.held, list(made.frame["source"])) == (2, 2, ["ads", "all"])
    dropped = reports.make("drop_off", own, GROWTH, NOW - 7 * DAY, NOW)
    assert (dropped.said, dropped.held) == (2, 2)
    assert list(dropped.frame["step"]) == list(STEPS)
    assert dict(dropped.bars) == dict.fromkeys(STEPS, 0) | {"signup": 2, "business_info": 1}
    store = FolderObjectStore(tmp_path)
    key = reports.store(made, store, GROWTH, "funnel", date(2026, 3, 20))
    assert key == "reports/growth/funnel/2026-03-20.csv"
    stored = pd.read_csv(io.BytesIO(store.get(key)))
    assert stored.to_dict("records") == made.frame.to_dict("records")
    shown = made.metadata("Leads")
    assert [record.data["source"] for record in shown["table"].records] == ["ads", "all"]  # type: ignore[attr-defined]
    text = shown["report"].value
    assert isinstance(text, str)
    assert text.startswith("### Leads\n\n| source ")
    image = text.partition("base64,")[2].removesuffix(")")
    assert Image.open(io.BytesIO(base64.b64decode(image))).format == "PNG"


def test_where_nobody_is_no_share_is_shown(tmp_path: Path) -> None:
    frame = drop_off.frame([step(1, "in_progress", 2, 10), step(2, None, 0)])
    assert list(frame.loc[1, ["reached", "drop_off_percent", "average_progress"]]) == [0, "", ""]
    made = reports.Report(frame, [], 2, 2)
    shown = made.metadata("Onboarding")
    assert [record.data["average_progress"] for record in shown["table"].records] == [10.0, ""]  # type: ignore[attr-defined]
    assert "nan" not in str(shown["report"].value)
    objects = FolderObjectStore(tmp_path)
    key = reports.store(made, objects, GROWTH, "drop_off", date(2026, 11, 29))
    assert objects.get(key).decode().splitlines()[2] == "business_info,0,0,0,0,,"


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("+49 170 1234567", "[redacted]"),
        ("call 0170/123 45 67 Ann", "call [redacted] Ann"),
        ("(020) 7946-0018", "[redacted]"),
        ("tel:+442079460018", "tel:[redacted]"),
        ("anna-0170-1234567", "anna-[redacted]"),
        ("12345678", "[redacted]"),
        # A date, a short number and a campaign's name stay.
        ("newsletter 2026-11-30", "newsletter 2026-11-30"),
        ("spring-20260401", "spring-20260401"),
        ("google_ads_120210432101", "google_ads_120210432101"),
        ("form 42", "form 42"),
    ],
)
def test_no_phone_number_is_shown_as_a_source(source: str, shown: str) -> None:
    assert funnel.frame([lead(source, "new", 1)])["source"].iloc[0] == shown


def test_the_words_of_the_report_as_sources_stay_sources() -> None:
    found = funnel.frame(
        [lead("all", "new", 3), lead("other sources", "new", 2), lead("empty", "new", 1), lead("", "new", 1)]
    )
    assert dict(zip(found["source"], found["captured"], strict=True)) == {
        '"all"': 3,
        '"other sources"': 2,
        '"empty"': 1,
        "empty": 1,
        "all": 7,
    }
    assert funnel.total(found) == 7


def test_no_cell_of_the_csv_is_a_formula(tmp_path: Path) -> None:
    frame = funnel.frame([lead(source, "new", 1) for source in ("=1+1", "+1", "-1", "@SUM(A1)", "web")])
    objects = FolderObjectStore(tmp_path)
    key = reports.store(reports.Report(frame, [], 0, 0), objects, GROWTH, "funnel", date(2026, 11, 29))
    sources = list(pd.read_csv(io.BytesIO(objects.get(key)))["source"])
    assert sorted(sources) == ["'+1", "'-1", "'=1+1", "'@SUM(A1)", "all", "web"]
