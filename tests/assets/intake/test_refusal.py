"""What people may see of a refused line: values of fields that are shown, where they look like names or numbers."""

import pytest

from assets.apps.clearlift import APP as CLEARLIFT
from assets.apps.sesh import APP as SESH
from assets.cache import access_log
from assets.intake.refusal import Refusal, with_values


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'{"org_tag": "a3f7c2"}', "a3f7c2"),
        (b'{"org_tag": 12}', "12"),
        (b'{"org_tag": true}', "true"),
        (b'{"org_tag": ""}', ""),
        (b'{"org_tag": null}', "null"),
        (b'{"org_tag": "someone@example.com"}', ""),
        (b'{"org_tag": "Some One"}', ""),
        (b'{"org_tag": ["a"]}', ""),
        (b'{"org_tag": "' + b"a" * 65 + b'"}', ""),
        (b"{}", ""),
        (b"[]", ""),
        (b'{"org_tag": "\xff"}', ""),
        (b"{", ""),
        (b'{"org_tag": ' + b"[" * 100_000, ""),
    ],
)
def test_a_value_is_shown_where_it_looks_like_a_name_or_a_number(raw: bytes, value: str) -> None:
    refusal = Refusal(1, "unknown_org_tag", "org_tag", raw)
    assert [found.value for found in with_values([refusal], {"org_tag"})] == [value]
    assert with_values([refusal], {"user_id"}) == [refusal]


def test_the_registry_decides_whose_values_are_shown() -> None:
    shown = CLEARLIFT.holding("lake", "clearlift.events").impersonal_columns
    assert {"org_tag", "viewport_width", "event_type"} <= shown
    assert not shown & {"user_id", "anonymous_id", "session_id", "page_url", "event_id", "page_path"}
    assert SESH.holding("d1", "points_*").impersonal_columns == {"sessionId", "seq"}
    assert set(access_log.shown(CLEARLIFT)) == {"key", "hour", "reads", "hits"}
    assert access_log.shown(SESH) == (), "its keys name users"
