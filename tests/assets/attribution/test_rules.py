"""Organisations' own rules: what is read of them, and that a wrong one is told without its value."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.attribution.rules import DEFAULT, AttributionRules, rules

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("given", "expected", "wrong"),
    [
        (None, DEFAULT, []),
        ("{}", DEFAULT, []),
        ('{"window_days": 7}', AttributionRules(("conversion",), 7), []),
        ('{"conversion_types": ["b", "a", "b"], "window_days": 90}', AttributionRules(("a", "b"), 90), []),
        ('{"window_days": 0}', DEFAULT, ["attribution.window_days: 1 to 90 is expected"]),
        ('{"window_days": 91}', DEFAULT, ["attribution.window_days: 1 to 90 is expected"]),
        ('{"window_days": "30"}', DEFAULT, ["attribution.window_days: 1 to 90 is expected"]),
        ('{"window_days": true}', DEFAULT, ["attribution.window_days: 1 to 90 is expected"]),
        ('{"window_days": 7.0}', DEFAULT, ["attribution.window_days: 1 to 90 is expected"]),
        (
            '{"conversion_types": [], "window_days": 5}',
            AttributionRules(("conversion",), 5),
            ["attribution.conversion_types: a list of 1 to 50 event types is expected"],
        ),
        ('{"window": 7}', DEFAULT, ["attribution.window: no such setting"]),
        ("[]", DEFAULT, ["attribution: an object is expected"]),
        ("nonsense", DEFAULT, ["attribution: an object is expected"]),
        (5, DEFAULT, ["attribution: an object is expected"]),
        (True, DEFAULT, ["attribution: an object is expected"]),
        (5.5, DEFAULT, ["attribution: an object is expected"]),
        (
            r'{"conversion_types": ["\ud800"]}',
            DEFAULT,
            ["attribution.conversion_types: a list of 1 to 50 event types is expected"],
        ),
        (r'{"\ud800": 1}', DEFAULT, [r"attribution.\ud800: no such setting"]),
    ],
)
def test_rules_and_what_is_wrong_with_them(given: Any, expected: AttributionRules, wrong: list[str]) -> None:
    assert rules(given) == (expected, wrong)


@given(types=JSON, days=JSON)
def test_whatever_the_settings_hold_the_rules_can_be_used(types: Any, days: Any) -> None:
    found, wrong = rules(json.dumps({"conversion_types": types, "window_days": days}))
    assert found.conversion_types
    assert all(isinstance(each, str) and 0 < len(each) <= 128 for each in found.conversion_types)
    assert 1 <= found.window_days <= 90
    assert len(wrong) == (
        found.conversion_types == DEFAULT.conversion_types and types not in (None, ["conversion"])
    ) + (found.window_days == DEFAULT.window_days and days not in (None, 30))
