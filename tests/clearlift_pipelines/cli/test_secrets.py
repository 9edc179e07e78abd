"""A catalog that repeats the token it was sent: no command shows it, and no run's log keeps it."""

from collections.abc import Iterator

import pytest

from tests.clearlift_pipelines.cli.terminal import Terminal
from tests.standin.echo import ECHOES
from tests.standin.loopback import Loopback

TOKEN = "hush-Token-0123456789-abcdefgh"
PIECE = 8


@pytest.fixture
def catalog() -> Iterator[Loopback]:
    with Loopback(ECHOES["an error"]) as served:
        yield served


@pytest.fixture
def echoed(migrated: Terminal, catalog: Loopback) -> Terminal:
    """Stores whose lake is in that catalog."""
    lake = {"CATALOG_URI": catalog.url, "WAREHOUSE": "w", "TOKEN": TOKEN}
    for name, value in lake.items():
        migrated.monkeypatch.setenv(f"CLEARLIFT_LAKE_{name}", value)
    return migrated


def unseen(text: str) -> bool:
    return not [TOKEN[i : i + PIECE] for i in range(len(TOKEN) - PIECE + 1) if TOKEN[i : i + PIECE] in text]


@pytest.mark.parametrize("echo", ["an error", "cut", "an answer of an unknown kind"])
def test_doctor_names_the_fault_without_the_token(echoed: Terminal, catalog: Loopback, echo: str) -> None:
    catalog.serve = ECHOES[echo]
    said = echoed.clearlift("doctor")
    assert said.code == 1
    assert "bad  clearlift-lake" in said.out
    assert unseen(said.out + said.err)


@pytest.mark.parametrize("command", ["status", "compact", "backfill rollups --from 2025-10-10 --to 2025-10-11"])
def test_neither_the_trace_nor_the_runs_log_has_the_token(echoed: Terminal, catalog: Loopback, command: str) -> None:
    said = echoed.clearlift("--verbose", *command.split())
    assert said.code == 1
    assert any(TOKEN in header for request in catalog.requests for header in request.headers.values())
    kept = b"".join(path.read_bytes() for path in (echoed.folder / "dagster_home").rglob("*") if path.is_file())
    assert "[redacted]" in said.err + kept.decode("latin-1")
    assert unseen(said.out + said.err + kept.decode("latin-1"))
