"""Erasing people from flushed points and refused ones: the ledger in D1 goes with the objects."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from assets.apps.sesh import APP as SESH
from assets.apps.sesh_series import POINTS
from assets.erasure import landing, quarantine
from assets.erasure.ledgers import D1Ledger
from assets.intake.refused_lines import Selection
from assets.privacy.identity import Erased, Identity
from resources.postgres import Postgres
from resources.r2 import FolderObjectStore
from tests.assets.erasure.calls import Killed, dying_at
from tests.assets.erasure.traces import traces
from tests.assets.points.flushes import Flushes, line
from tests.assets.series.partitioned_d1 import partitioned
from tests.rooms import TestRooms

ANNA = "user-anna-0001"


@pytest.fixture
def flushes(tmp_path: Path, postgres: Postgres) -> Iterator[Flushes]:
    d1 = partitioned(tmp_path / "sesh.sqlite", families=[POINTS])
    d1.upsert("users", ["id", "email"], [[ANNA, "anna@example.org"]], ["id"])
    yield Flushes(d1, FolderObjectStore(tmp_path / "r2"), postgres)
    d1.close()


def erase(flushes: Flushes) -> tuple[Erased, Erased]:
    rooms = TestRooms(flushes.now, flushes.postgres, flushes.store, d1s={"sesh": flushes.d1})
    landed, refused = landing.eraser(rooms, SESH), quarantine.eraser(rooms, SESH)
    assert landed is not None
    assert refused is not None
    identities = [Identity("request-1", SESH.name, {"user": frozenset({ANNA})})]
    return landed.erase(identities), refused.erase(identities)


@pytest.mark.parametrize(
    "call",
    [
        "nothing", "replace", "write_again", "delete",
        *(pytest.param(call, marks=pytest.mark.soak) for call in ("put", "seen")),
    ],
)  # fmt: skip
def test_points_and_refused_ones_go_and_nothing_is_taken_twice(flushes: Flushes, call: str, tmp_path: Path) -> None:
    refused = line("s2", 2, userId="nobody")
    own = line("s1", 1, userId=ANNA), line("s2", 3, userId=ANNA, at="2020-01-01T00:00:00Z")
    key = flushes.flush(own[0], line("s2", 1), refused, own[1])
    named = flushes.flush(line("s3", 1), name=f"{ANNA}-1")
    flushes.ingest()
    points = flushes.points()
    owner = flushes.store if hasattr(flushes.store, call) else D1Ledger

    for number in range(1, 8) if call != "nothing" else ():
        with suppress(Killed), dying_at(owner, call, number):
            erase(flushes)
            break
        flushes.ingest(sweep=True)
    erase(flushes)

    assert erase(flushes) == (Erased("landing"), Erased("quarantine"))
    assert flushes.points() == points
    assert flushes.ingest(sweep=True).objects == 0
    assert flushes.store.get(key).split(b"\n") == [b"", line("s2", 1), refused, b"", b""]
    assert not flushes.store.exists(named)
    (left,) = flushes.quarantine.refusals.lines(Selection())
    assert (left.line, list(flushes.quarantine.raw([left]))) == (3, [(left, refused)])
    assert traces(tmp_path / "r2", ANNA) == []
