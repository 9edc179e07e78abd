"""Pages as files: texts of others, what nobody knows, charts, colours, and how values are written."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.page import figures
from assets.page.blocks import (
    NO_DATA,
    Cell,
    Chart,
    Charts,
    Column,
    Figure,
    Figures,
    Line,
    Link,
    Note,
    Page,
    Section,
    Standing,
    Table,
)
from assets.page.chart import MOST_STEPS, drawn, nice_step
from assets.page.document import MOST_ROWS, html
from assets.page.style import DARK, LIGHT

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
DAYS = [NOW.replace(hour=0) - timedelta(days=back) for back in reversed(range(5))]
EVIL = "<script>alert(1)</script>\"'&</td></svg>"


class Elements(HTMLParser):
    """The elements of a file, and whether each was closed in order, but for those that HTML lets stay open."""

    VOID = frozenset({"meta", "link", "tr", "th", "td"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, Any]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def page(*blocks: Any, standing: Standing = Standing.PLAIN) -> str:
    section = Section("one", EVIL, EVIL, blocks, standing)
    return html(Page(EVIL, EVIL, NOW, [section], standing, [(EVIL, [Link(EVIL, EVIL, current=True)])]))


CHART = Chart(EVIL, EVIL, DAYS, [Line(EVIL, [1, 2, None, 4, None]), Line("b", [None] * 5)])


def test_texts_of_others_are_never_markup_and_nothing_is_loaded_or_run() -> None:
    text = page(
        Note(EVIL),
        Figures([Figure(EVIL, EVIL, EVIL)]),
        Table(EVIL, [Column(EVIL), Column(EVIL)], [[EVIL, Cell(EVIL, Standing.CRITICAL, code=True)]], stacked=True),
        CHART,
        Charts([replace(CHART, bars=True)]),
        Charts([CHART], EVIL),
    )
    elements = Elements(text)
    assert "script" not in {tag for tag, _ in elements.seen}
    assert {name for _, given in elements.seen for name in given if name.startswith("on")} == set()
    loaded = {given[name] for _, given in elements.seen for name in ("src", "href") if name in given}
    assert loaded == {"data:,", EVIL, "#one"}, "links that a person follows, and an empty icon"
    policy = next(
        given["content"] for _, given in elements.seen if given.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'")


def test_what_nobody_knows_is_said_and_is_never_good() -> None:
    text = page(
        Figures([Figure("hits", NO_DATA, standing=Standing.GOOD)]),
        Table("rows", [Column("a")], []),
        Chart("c", "u", DAYS, [Line("a", [None] * 5)]),
        Chart("d", "u", [], [Line("a", [])]),
        standing=Standing.UNKNOWN,
    )
    assert 'class="good"' not in text
    assert text.count(f"{NO_DATA}") == 4
    assert "<svg" not in text
    assert text.count('<span class="standing unknown">unknown</span>') == 2


def test_a_long_table_says_how_many_rows_are_not_shown() -> None:
    rows = [[str(number)] for number in range(MOST_ROWS + 7)]
    assert "10 more are not shown." in page(Table("rows", [Column("a")], rows, left_out=3))


def test_every_chart_has_its_figures_as_a_table_and_in_words() -> None:
    elements = Elements(page(CHART))
    said = next(given["aria-label"] for tag, given in elements.seen if given.get("role") == "img")
    assert f"{EVIL}: from 1 to 4, at last 4. b: {NO_DATA}." in said
    cells = re.findall(r"<td[^>]*>([^<\n]*)", page(CHART))
    assert cells == ["2026-03-19", "4", NO_DATA, "2026-03-17", "2", NO_DATA, "2026-03-16", "1", NO_DATA]


def test_charts_of_one_thing_share_a_table() -> None:
    other = replace(CHART, lines=[Line("b", [5] * 5, "b of c")])
    text = page(Charts([replace(CHART, lines=[Line("a", [1, 2, None, 4, None])]), other], "both"))
    assert text.count("<svg") == 2
    assert re.findall(r"<caption>([^<]*)", text) == ["Figures: both"]
    assert re.findall(r"<th [^>]*>([^<]*)", text) == ["day", "a", "b of c"]
    cells = re.findall(r"<td[^>]*>([^<\n]*)", text)
    assert cells[:6] == ["2026-03-20", NO_DATA, "5", "2026-03-19", "4", "5"]


def test_a_line_is_broken_where_nobody_knows() -> None:
    picture = drawn(CHART)
    (line,) = re.findall(r'<path d="([^"]*)" class="line c0"', picture) or re.findall(
        r'class="line c0" d="([^"]*)"', picture
    )
    assert re.fullmatch(r"M[\d.]+ [\d.]+ [\d.]+ [\d.]+", line), "from the first point to the second, and no further"
    assert picture.count("dot c0") == 1, "a value alone is a dot"


@given(highest=st.floats(min_value=1e-9, max_value=1e15))
def test_the_steps_of_an_axis_are_round_and_few(highest: float) -> None:
    step = nice_step(highest)
    assert step * MOST_STEPS >= highest * (1 - 1e-6)
    assert step * MOST_STEPS <= highest * 10.1
    assert f"{step:e}".partition("e")[0].rstrip("0").rstrip(".") in ("1", "2", "5")


@given(
    values=st.lists(st.none() | st.floats(min_value=0, max_value=1e12), min_size=1, max_size=40),
    bars=st.booleans(),
)
def test_any_values_are_drawn_within_the_picture(values: list[float | None], bars: bool) -> None:
    moments = [NOW + timedelta(days=number) for number in range(len(values))]
    chart = Chart("c", "u", moments, [Line("a", values), Line("b", values)], bars=bars)
    if chart.is_empty:
        return
    numbers = [float(number) for number in re.findall(r'(?<=[ "MLVHhZ,])-?\d+(?:\.\d+)?(?=[ ",])', drawn(chart))]
    assert min(numbers) >= 0
    assert max(numbers) <= 360


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_colours_are_told_from_their_ground(colours: dict[str, str]) -> None:
    """WCAG 2.2 AA: 4.5 for text, 3 for lines and bars."""
    for name in ("text", "soft", "link", "good", "warning", "critical", "unknown"):
        for ground in ("ground", "card"):
            assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
    for number in range(6):
        assert contrast(colours[f"c{number}"], colours["card"]) >= 3, number
    assert LIGHT.keys() == DARK.keys()


@pytest.mark.parametrize(
    ("written", "value", "text"),
    [
        (figures.share, 0.973, "97.3 %"),
        (figures.size, 999, "999 bytes"),
        (figures.size, 1_000, "1.0 kB"),
        (figures.size, 12_400_000, "12.4 MB"),
        (figures.duration, timedelta(seconds=4.2), "4.2 s"),
        (figures.duration, timedelta(minutes=95), "95 min"),
        (figures.duration, timedelta(hours=30), "30.0 h"),
        (figures.duration, timedelta(days=9), "9.0 days"),
        (figures.milliseconds, 12.4, "12 ms"),
        (figures.dollars, 12.5, "12.50 $"),
        (figures.dollars, 0.0012, "0.0012 $"),
        (figures.ratio, 3.014, "3.01"),
        (figures.count, 1204, "1,204"),
        (figures.count, 1204.5, "1,204.50"),
        (figures.moment, NOW, "2026-03-20 12:00"),
    ],
)
def test_a_value_has_its_unit_and_one_that_is_not_known_is_no_data(written: Any, value: Any, text: str) -> None:
    assert written(value) == text
    assert written(None) == NO_DATA


def test_money_names_its_currency() -> None:
    assert figures.money(1204.5, "EUR") == "1,204.50 EUR"
    assert figures.money(0, None) == "0.00 (no currency)"
    assert figures.money(None, "EUR") == NO_DATA


@given(value=st.floats(min_value=0, max_value=1e12))
def test_an_axis_writes_few_characters(value: float) -> None:
    assert len(figures.axis(value)) <= 9
