"""What restored stores say of each other."""

from datetime import UTC, datetime, timedelta

from assets.apps import APPS
from assets.backups.agreement import disagreements, repetitions

AT = datetime(2026, 3, 2, 1, tzinfo=UTC)


def test_stores_of_one_moment_agree_and_only_what_is_in_no_backup_is_named() -> None:
    reached = {name: AT for one in repetitions(APPS) for name in (one.store, one.source) if name}
    found = list(disagreements(reached, APPS))
    assert found == [
        f"{app.name}/kv is in no backup: {app.title}'s cached keys. Next: clearlift cache rebuild --app {app.name}"
        for app in APPS
        if app.has_kv
    ]


def test_stores_of_different_moments_are_named_with_the_command_that_makes_them_agree() -> None:
    reached = {"pipelines/postgres": AT, "pipelines/lake": AT + timedelta(hours=2), "sesh/d1": AT}
    (found,) = [sentence for sentence in disagreements(reached, APPS) if "/kv" not in sentence]
    assert found == (
        "pipelines/postgres (2026-03-02 01:00:00) and pipelines/lake (2026-03-02 03:00:00) may differ about the ledger "
        "and the roll-ups of ClearLift's events. Next: clearlift run --no-sample"
    )


def test_a_store_that_was_not_restored_is_compared_with_nothing() -> None:
    assert [s for s in disagreements({"sesh/d1": AT}, APPS) if "/kv" not in s] == []
