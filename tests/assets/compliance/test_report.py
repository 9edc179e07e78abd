"""A report as people read it: every text of others is escaped, and a large one stays small."""

import re
from datetime import UTC, datetime
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from assets.compliance.report import Report, Section, html, markdown

HOSTILE = ["<script>alert(1)</script>", "a | b\n| c", "[x](javascript:alert(1))", "&amp;", "'\"><img src=x>", "**b**"]
TEXTS = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(codec="utf-8"), max_size=40))
TAGS = {
    *("html", "head", "meta", "title", "style", "body", "h1", "p", "section", "h2", "span", "div"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}


def report(*sections: Section, title: str = "Shop") -> Report:
    return Report(title, datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 7, 1, 7, 30, tzinfo=UTC), sections)


class Seen(HTMLParser):
    """Tags and cells of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.cells: list[str] = []
        self._in_cell = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self._in_cell = tag == "td"
        if self._in_cell:
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = self._in_cell and tag != "td"

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.cells[-1] += data


@given(TEXTS, TEXTS, st.lists(TEXTS, min_size=1, max_size=4))
def test_texts_of_others_are_cells_and_never_markup(title: str, says: str, cells: list[str]) -> None:
    made = report(Section("Refusals", "", says, ("ground",), [(cell,) for cell in cells]), title=title)
    seen = Seen(html(made))
    assert seen.tags <= TAGS
    assert seen.attributes <= {"lang", "charset", "name", "content", "http-equiv", "class"}
    plain = [re.sub(r"\r\n?", "\n", cell) for cell in cells]
    assert [re.sub(r"\r\n?", "\n", cell) for cell in seen.cells] == plain
    rows = [line for line in markdown(made).splitlines() if line.startswith("| ")]
    assert len(rows) >= 2 + len(cells)
    assert not re.search(r"(?<!\\)[<>]", markdown(made))


def test_a_month_in_which_something_is_wanting_says_so_at_the_top() -> None:
    made = report(
        Section("Retention", "not met", "2 rows are held back."),
        Section("Keys", "met", "Key 1 seals."),
        Section("Audit trail", "unknown", "No head."),
    )
    assert made.wanting == [made.sections[0], made.sections[2]]
    for text in (html(made), markdown(made)):
        assert "Personal data of Shop, June 2026" in text
        assert "Not as it must be: Retention, Audit trail." in text


def test_a_report_of_any_size_stays_below_300_kb() -> None:
    row = ("x" * 10_000, "y" * 10_000, 1)
    rows = [row] * 10_000
    made = report(*(Section(f"Section {n}", "met", "Many.", ("a", "b", "c"), rows) for n in range(2)))
    assert len(html(made).encode()) < 300_000
    assert html(made).count("9,800 more rows are left out.") == 2


def test_numbers_stand_to_the_right_and_are_written_with_commas() -> None:
    page = html(report(Section("Access", "", "", ("what", "rows"), [("users", 1234567), ("none", None)])))
    assert "<td class=number>1,234,567</td>" in page
    assert "<td class=number></td>" in page
    assert "<td>users</td>" in page
