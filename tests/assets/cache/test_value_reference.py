"""docs/cache.md: a JSON Schema for each of ClearLift's keys, with every field, and the values that are held to it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from assets.cache.families import families
from assets.rollups.definition import Grain
from tests.assets.cache.test_attribution_values import Credited, rates
from tests.assets.cache.warmed_cache import CLEARLIFT, WarmedCache
from tests.assets.rollups.event_lake import at, event

PAGE = (Path(__file__).parents[3] / "docs/cache.md").read_text()
DEFINITIONS = json.loads(re.findall(r"```json kind=definitions\n(.*?)```", PAGE, re.DOTALL)[0])
SCHEMAS = {key: json.loads(text) for key, text in re.findall(r"### `(\S+)`\n\n```json\n(.*?)```", PAGE, re.DOTALL)}


def closed(schema: Any) -> Any:
    """The schema, in which every object has all of its fields and no other."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: closed(part) for name, part in schema.items()}
    if isinstance(found.get("properties"), dict) and "type" in found:
        found |= {"required": list(found["properties"]), "additionalProperties": False}
    return found


def validator(key: str) -> Draft202012Validator:
    return Draft202012Validator(
        {**closed(SCHEMAS[key]), "$defs": closed(DEFINITIONS)}, format_checker=FormatChecker(["date"])
    )


def fields(schema: dict[str, Any], path: str) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for name, field in schema.get("properties", {}).items():
        found += [(f"{path}.{name}", field), *fields(field, f"{path}.{name}")]
    return found


def test_every_key_has_a_schema() -> None:
    assert SCHEMAS.keys() == {family.key for family in families(CLEARLIFT)}


@pytest.mark.parametrize("key", SCHEMAS)
def test_every_field_says_what_it_is_with_an_example(key: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[key])
    for path, field in [*fields(SCHEMAS[key], key), *(f for d in DEFINITIONS for f in fields(DEFINITIONS[d], d))]:
        assert field["description"], path
        # A field that holds others has its examples in theirs.
        if not {"items", "properties", "anyOf"} & field.keys():
            assert Draft202012Validator(field).is_valid(field["examples"][0]), path
            if "null" in field["type"]:
                assert "null" in field["description"], f"{path}: when it is null"


def test_the_values_are_what_the_page_says(warmed_cache: WarmedCache) -> None:
    shop, event_lake = Credited(warmed_cache), warmed_cache.event_lake
    event_lake.clear()
    warmed_cache.tags("t", "silent")
    event_lake.append(
        event(org_tag="t", timestamp=at(20, 9), utm_campaign="c", event_value=2.5, page_path="/x"),
        event(org_tag="t", timestamp=at(19, 9), referrer_domain="news.example"),
        event(org_tag="t", timestamp=at(1, 9)),
    )
    for grain in Grain:
        event_lake.roll_up(grain, at(1), at(21))
    shop.credited(*(at(day).date() for day in range(1, 21)))
    shop.campaign("c")
    shop.campaign("never used")
    for day in (13, 20):
        shop.spend("c", 50, at(day).date())
        shop.sale("c", 100, at(day).date(), currency="USD")
        shop.sale("", 7, at(day).date())
    shop.touch("sea", "unknown_campaign")
    for known in (False, True):
        if known:
            rates(shop, EUR="1", USD="1.25")
        warmed_cache.warm_all()
        held = warmed_cache.held()
        for key in SCHEMAS:
            pattern = re.compile("".join(f"[^:]+{text}" for text in re.split(r"\{\w+\}", key))[len("[^:]+") :])
            values = [json.loads(value) for name, value in held.items() if pattern.fullmatch(name)]
            assert values or key.startswith("reference:platforms"), key
            for value in values:
                assert [error.message for error in validator(key).iter_errors(value)] == [], key
