"""A `clearlift run` that leaves out what takes long and nothing is asked of. No fixtures here."""

import pytest

from clearlift_pipelines.cli.run import FURTHER


def without_backups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the backups and their drills, which take half of the time."""
    further = {job: config for job, config in FURTHER.items() if job not in ("backup", "rotate")}
    monkeypatch.setattr("clearlift_pipelines.cli.run.FURTHER", further)


def followed_by(monkeypatch: pytest.MonkeyPatch, *jobs: str) -> None:
    """Leave out what comes after events and ads, but for these jobs."""
    further = {job: config for job, config in FURTHER.items() if job in jobs}
    monkeypatch.setattr("clearlift_pipelines.cli.run.FURTHER", further)


def in_two_instalments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Land the sample in two parts, so that two files of a day are merged; each part is a run."""
    monkeypatch.setattr("clearlift_pipelines.cli.run.INSTALMENTS", 2)
