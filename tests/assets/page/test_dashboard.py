"""An organisation's page: every key that docs/cache.md gives is shown, and a missing or odd one is said."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from assets.cache import keys
from assets.cache.families import families
from assets.page import dashboard, served
from assets.page.blocks import Page, Section, Standing
from assets.page.document import html
from assets.page.values import KINDS
from resources.kv import EmbeddedKV, Entry
from tests.assets.cache.test_value_reference import DEFINITIONS, SCHEMAS
from tests.assets.cache.warmed_cache import CLEARLIFT

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
TAG = "a3f7c2"
ROW = {"org_tag": TAG, "range": "7d"}
NAMED = {family.name: keys.filled(family.key, ROW) for family in families(CLEARLIFT) if family.name in KINDS}


def example(schema: dict[str, Any]) -> Any:
    """A value as the reference describes it, made of its examples."""
    if "$ref" in schema:
        return example(DEFINITIONS[schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        return example(schema["anyOf"][0])
    if schema["type"] == "object":
        return {name: example(part) for name, part in schema["properties"].items()}
    if schema["type"] == "array":
        return [example(schema["items"])]
    return schema["examples"][0]


VALUES = {family.name: example(SCHEMAS[family.key]) for family in families(CLEARLIFT) if family.name in KINDS}


@pytest.fixture
def kv(tmp_path: Path) -> Iterator[EmbeddedKV]:
    found = EmbeddedKV(tmp_path / "kv.sqlite")
    yield found
    found.close()


def shown(kv: EmbeddedKV, range_: str = "7d") -> Page:
    return dashboard.made(served.read(CLEARLIFT, kv, TAG, range_, NOW))


def section(page: Page, name: str) -> Section:
    return next(section for section in page.sections if section.name == name)


def test_every_value_of_the_reference_is_shown(kv: EmbeddedKV) -> None:
    kv.put_many(Entry(key, json.dumps(VALUES[name]).encode()) for name, key in NAMED.items())
    page = shown(kv)
    assert [one.name for one in page.sections if one.standing is not Standing.PLAIN] == []
    text = html(page)
    for said in (
        *("1,204", "www.shop.example/checkout", "google", "spring", "Spring", "240.50 EUR", "32.00 EUR", "3.01"),
        *("no_touch", "spring_sale", "2026-03-14 to 2026-03-20", "and 20 more", "success"),
    ):
        assert said in text, said
    assert "token revoked" not in text, "why a sync failed is for its own command"
    assert ">Shop<" not in text, "an account's name may be a person's"


def test_every_family_of_a_dashboard_is_shown() -> None:
    """A family by organisation that nobody thought of here would be missing silently."""
    by_tag = {family.name for family in families(CLEARLIFT) if set(keys.fields(family.key)) - {"range"} == {"org_tag"}}
    assert by_tag == KINDS.keys()


def test_a_key_that_kv_lacks_is_no_data_and_the_others_are_shown(kv: EmbeddedKV) -> None:
    page = shown(kv)
    assert page.standing is Standing.UNKNOWN
    assert {one.standing for one in page.sections} == {Standing.UNKNOWN}
    assert html(page).count("No data: KV has no key ") == len(KINDS)
    kv.put_many([Entry(NAMED["series"], json.dumps(VALUES["series"]).encode()), Entry(NAMED["summary"], b'{"a": 1}')])
    page = shown(kv)
    assert section(page, "series").standing is Standing.PLAIN
    assert "has another form" in html(page)


def test_windows_without_events_are_zero_up_to_now(kv: EmbeddedKV) -> None:
    point = {"events": 3, "visitors": 2, "sessions": 2, "event_value_sum": 0}
    series = {
        "from": "2026-03-20",
        "to": "2026-03-20",
        "items": [{"at": "2026-03-20T02:00:00Z", **point}],
        "previous": None,
    }
    kv.put_many([Entry(f"dashboard:{TAG}:series:1d", json.dumps(series).encode())])
    (chart,) = section(shown(kv, "1d"), "series").blocks
    assert len(chart.moments) == 12  # type: ignore[union-attr]
    assert chart.lines[0].values == [0, 0, 3, *[0] * 9]  # type: ignore[union-attr]
