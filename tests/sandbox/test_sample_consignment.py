"""Consignment's sample tells a sale from draft to completed. A second run, also after a kill, adds nothing more."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from resources.d1 import D1, EmbeddedD1, Statement
from resources.d1.database import Result
from sandbox import sample_consignment
from tests.assets.integrity.compared import findings
from tests.sql.consignment.database import REQUIRED, contents, migrated

UNTIL = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
TOLD = (
    "Autumn Kids Sale: draft, published, 60 items of 12 consignors handed in, "
    "42 sold for 1,071.00, 18 returned, completed"
)


def rows(d1: D1) -> dict[str, list[str]]:
    """All rows without their ids, of which a repeated request uses one."""
    found = contents(d1)
    ids = ("id", "event_id")
    return {t: sorted(repr({c: v for c, v in row.items() if c not in ids}) for row in found[t]) for t in REQUIRED}


def test_it_fills_every_table_and_a_second_time_changes_nothing(tmp_path: Path) -> None:
    d1 = migrated(tmp_path / "one.sqlite")
    assert sample_consignment.fill(d1, UNTIL) == TOLD
    before = contents(d1)
    assert all(before.values())
    assert {row["status"] for row in before["events"]} == {"draft", "published", "completed", "cancelled"}
    assert all(finding.holds for finding in findings(d1).values())
    assert sample_consignment.fill(d1, UNTIL) == TOLD
    assert contents(d1) == before
    d1.close()


@pytest.mark.parametrize("dies", [1, 3, 6, 7, 8, 9, 10, 11, 14, 19])
def test_a_kill_anywhere_is_made_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies: int) -> None:
    whole, d1 = migrated(tmp_path / "whole.sqlite"), migrated(tmp_path / "killed.sqlite")
    sample_consignment.fill(whole, UNTIL)
    batch, asked = EmbeddedD1.batch, 0

    def dying(self: EmbeddedD1, statements: Iterable[Statement], *, idempotent: bool = False) -> list[Result]:
        nonlocal asked
        asked += 1
        if asked == dies:
            raise KeyboardInterrupt
        return batch(self, statements, idempotent=idempotent)

    monkeypatch.setattr(EmbeddedD1, "batch", dying)
    with pytest.raises(KeyboardInterrupt):
        sample_consignment.fill(d1, UNTIL)
    monkeypatch.undo()
    assert sample_consignment.fill(d1, UNTIL) == TOLD
    assert rows(d1) == rows(whole)
