"""The ages that docs/lifecycle.md shows are those of the apps' data, and the numbers that were agreed stay."""

from pathlib import Path

import pytest

from assets.apps import APPS
from clearlift_pipelines import policy_reference

PAGE = Path(__file__).resolve().parents[2] / policy_reference.PAGE
AGAIN = "python -m clearlift_pipelines.policy_reference writes it again"


def test_the_page_has_the_ages_of_today() -> None:
    text = PAGE.read_text()
    assert policy_reference.in_page(text) == text, AGAIN


def test_every_age_of_the_policy_is_in_the_table() -> None:
    table = policy_reference.table()
    for app in APPS:
        for entry in app.lifecycles:
            if entry.delete_after_days is not None or entry.archive is not None:
                start = f"| {app.name} | {entry.store} | `{entry.name}` |"
                (row,) = (line for line in table.splitlines() if line.startswith(start))
                ages = [entry.delete_after_days, entry.archive.after_days if entry.archive else None]
                assert all(f"{age} days" in row for age in ages if age)


@pytest.mark.parametrize(
    ("app", "name", "archived", "deleted"),
    [
        ("clearlift", "clearlift.events", 90, 90),
        ("clearlift", "sessions", None, 30),
        ("clearlift", "invitations", None, 0),
        ("clearlift", "ads.restatements", 365, 730),
        ("clearlift", "landing/events/", None, 30),
        ("consignment", "change_log", 90, 90),
        ("growth", "analytics.events", 90, 90),
        ("growth", "onboarding.sessions", None, 90),
        ("sesh", "sessions_*", 365, 365),
        ("sesh", "points_*", 365, 365),
        ("sesh", "change_log", 90, 90),
    ],
)
def test_the_agreed_ages_stay(app: str, name: str, archived: int | None, deleted: int) -> None:
    (entry,) = (e for a, e in policy_reference.entries() if (a, e.name) == (app, name))
    assert (entry.archive.after_days if entry.archive else None, entry.delete_after_days) == (archived, deleted)


@pytest.mark.parametrize("missing", [policy_reference.BEGIN, policy_reference.END])
def test_a_page_without_the_markers_is_refused(missing: str) -> None:
    text = f"a\n{policy_reference.BEGIN}\n{policy_reference.END}\nb".replace(missing, "")
    with pytest.raises(ValueError, match="lacks <!-- "):
        policy_reference.in_page(text)
