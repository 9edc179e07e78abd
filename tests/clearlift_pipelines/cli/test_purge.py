"""`clearlift purge`: what it counts, and what it removes."""

from datetime import timedelta

from dagster import DagsterInstance, asset, materialize

from clearlift_pipelines.cli import purge
from clearlift_pipelines.stores import utc_now
from tests.clearlift_pipelines.cli.terminal import Terminal


@asset
def made() -> None:
    """An asset."""


def test_old_runs_are_counted_and_then_go_but_for_the_newest_of_an_asset(terminal: Terminal) -> None:
    with DagsterInstance.get() as instance:
        runs = [materialize([made], instance=instance).run_id for _ in range(3)]
        terminal.monkeypatch.setattr(purge, "utc_now", lambda: utc_now() + timedelta(days=30))
        for words, title, left in (
            (("--days", "31"), "gone", runs),
            (("--dry-run",), "would go", runs),
            ((), "gone", runs[-1:]),
        ):
            said = terminal.good("purge", *words)
            assert title in said
            (row,) = [line.split() for line in said.splitlines() if line.strip().startswith("runs")]
            assert row[1:] == (["0", "0"] if words == ("--days", "31") else ["2", "1"])
            assert {run.run_id for run in instance.get_runs()} == set(left)
