"""Erasing from the lake while others work on it, after others changed it, and after a kill anywhere."""

import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyiceberg.transforms import MonthTransform
from pyiceberg.types import StringType

from assets.compaction.rewrite import Compaction
from assets.erasure.lake_search import LakeSearch
from assets.privacy.identity import Erased
from assets.rows.lake import LakeTarget, aside
from assets.rows.lake_columns import lake_columns
from resources.declined import DeclinedError
from resources.lake import LakeTable, forget, sweep
from tests.assets.erasure.calls import Killed, dying_at
from tests.assets.erasure.test_lake import ANNA, BEN, at, erase, identity, ids, store
from tests.assets.erasure.traces import traces
from tests.assets.event_pipeline import MERGE_ALL, Pipeline, line, written
from tests.examples import examples
from tests.resources.lake.engines import READERS
from tests.resources.lake.foreign import add_column, append, drop_column, partition_by
from tests.resources.lake.row_deletes import delete_equal, delete_files, delete_rows
from tests.tables import EVENTS

PEOPLE = ["user-anna-0001", "user-anna-00011", "user-ben-0002", "user-carl-0003", 'Üser «4» "x"']
person = st.sampled_from([None, *PEOPLE])
events = st.lists(st.tuples(person, person, st.sampled_from(["a3f7c2", "b8e9d1"]), st.integers(10, 12)), max_size=6)


@examples(4, 40)
@given(
    files=st.lists(events, max_size=4),
    erased=st.sets(st.sampled_from(PEOPLE), min_size=1, max_size=2),
    merge=st.booleans(),
)
def test_exactly_they_are_gone(
    pipeline: Pipeline, files: list[list[tuple[str | None, str | None, str, int]]], erased: set[str], merge: bool
) -> None:
    pipeline.reset()
    shutil.rmtree(pipeline.folder / "data", ignore_errors=True)
    number = 0
    for of_file in files:
        lines = []
        for user, named, org, day in of_file:
            number += 1
            about = json.dumps({"seen": named}, ensure_ascii=bool(number % 2)) if named else None
            lines.append(at(number, day, org_tag=org, user_id=user, event_data=about))
        if lines:
            store(pipeline.table, *lines)
    if merge:
        Compaction(pipeline.table, MERGE_ALL).run()
    before = pipeline.table.scan().collect().sort("event_id")

    done = erase(pipeline, *(identity(user=user) for user in erased))

    expected = before.filter(~pl.col("user_id").is_in(list(erased)).fill_null(value=False))
    names = pl.col("event_data").map_elements(lambda text: json.loads(text)["seen"] in erased, pl.Boolean)
    expected = expected.with_columns(event_data=pl.when(~names.fill_null(value=False)).then("event_data"))
    assert pipeline.table.scan().collect().sort("event_id").equals(expected)
    assert done.rows == before.height - expected.height
    assert erase(pipeline, *(identity(user=user) for user in erased)).objects == 0
    left = {text for column in ("user_id", "event_data") for text in expected[column].drop_nulls()}
    assert traces(pipeline.folder / "data", *(one for one in erased if not any(one in text for text in left))) == []


KILLS: dict[str, tuple[Any, str]] = {
    "rewrite": (LakeTable, "rewrite"),
    "replace": (LakeTable, "replace"),
    "fence": (LakeTable, "fence_off"),
    "expiry": (forget, "expire"),
    "removal": (sweep, "_removed"),
    "search": (LakeSearch, "others"),
}


@pytest.mark.parametrize("point", KILLS)
# Before a call is after the one before it, so that the long-running tests alone try it.
@pytest.mark.parametrize("moment", [pytest.param("before", marks=pytest.mark.soak), "after"])
def test_a_killed_run_is_finished_by_the_next(pipeline: Pipeline, point: str, moment: str) -> None:
    for number in (1, 2):
        store(pipeline.table, at(number, user_id=ANNA), at(number + 10), at(number + 20, 11, anonymous_id=BEN))
    store(pipeline.table, at(5, 12))
    kept = {row: n for row, n in pipeline.rows().items() if ANNA not in row and BEN not in row}
    owner, name = KILLS[point]

    for call in (1, 2, 4):
        with suppress(Killed), dying_at(owner, name, call, moment):
            erase(pipeline)
            break
    erase(pipeline)

    assert erase(pipeline) == Erased("lake clearlift.events")
    assert pipeline.rows() == kept
    assert traces(pipeline.folder, ANNA, BEN) == []


def before_first(monkeypatch: pytest.MonkeyPatch, name: str, do: Callable[[], object]) -> None:
    """Do something right before the first call of a method of the table."""
    real: Callable[..., Any] = getattr(LakeTable, name)

    def first(self: LakeTable, *args: Any, **kwargs: Any) -> Any:
        monkeypatch.setattr(LakeTable, name, real)
        do()
        return real(self, *args, **kwargs)

    monkeypatch.setattr(LakeTable, name, first)


@pytest.mark.parametrize("moment", ["rewrite", "replace", "fence_off"])
def test_what_others_commit_meanwhile_is_neither_lost_nor_left(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    table = pipeline.table
    store(table, at(1, user_id=ANNA), at(2))
    store(table, at(3, user_id=ANNA), at(4))

    def others() -> None:
        Compaction(table, MERGE_ALL).run()
        store(table, at(5), *([at(6, user_id=ANNA)] if moment != "fence_off" else []))

    before_first(monkeypatch, moment, others)
    erase(pipeline)

    assert ids(table) == ["event-2", "event-4", "event-5"]
    assert traces(pipeline.folder, ANNA) == []


def test_rows_that_others_deleted_go_for_good(pipeline: Pipeline) -> None:
    table = pipeline.table
    store(table, at(1, user_id=ANNA), at(2))
    store(table, at(3, 11), at(4, 11, user_id="user-carl-0003"))
    first, second = sorted(table.files(), key=lambda info: info.key)
    delete_rows(table, first.file, 0)
    delete_equal(table, second.file, pl.DataFrame({"user_id": [ANNA, "user-carl-0003"]}))

    erase(pipeline)

    assert ids(table) == ["event-2", "event-3"]
    assert delete_files(table) == []
    assert traces(pipeline.folder, ANNA) == []


def test_a_column_that_was_dropped_still_names_somebody(pipeline: Pipeline) -> None:
    table = pipeline.table
    add_column(table, "address", StringType())
    append(table, _events(table, address=f"{ANNA} street"))
    drop_column(table, "address")

    assert erase(pipeline).rows == 0

    assert ids(table) == ["event-1"]
    assert traces(pipeline.folder, ANNA) == []


def _events(table: LakeTable, **values: str) -> pl.DataFrame:
    (file,) = written(table, at(1))
    rows = table.read([file]).collect().with_columns(**{name: pl.lit(value) for name, value in values.items()})
    table.discard(file)
    return rows


def test_files_of_another_partition_spec_are_written_again_under_ours(pipeline: Pipeline) -> None:
    table = pipeline.table
    partition_by(table, ("timestamp", MonthTransform(), "month"))
    rows = [at(1, user_id=ANNA), at(2), line(3, timestamp="2025-10-12T00:00:00Z", org_tag="b8e9d1", event_id="event-3")]
    files = written(table, *rows)
    append(table, table.read(files).collect())
    for file in files:
        table.discard(file)

    assert erase(pipeline).rows == 1

    assert ids(table) == ["event-2", "event-3"]
    assert {info.key.tenant for info in table.files()} == {"a3f7c2", "b8e9d1"}
    assert traces(pipeline.folder, ANNA) == []


def test_the_table_aside_of_a_restore_is_erased_too(pipeline: Pipeline) -> None:
    columns = lake_columns(pipeline.table.layout)
    (file,) = written(pipeline.table, at(1, user_id=ANNA), at(2))
    LakeTarget(pipeline.lake, EVENTS, "side", ("org_tag", "event_id"), {}).put(
        [pipeline.table.read([file]).collect()], columns
    )
    pipeline.table.discard(file)

    assert erase(pipeline).rows == 1

    assert ids(pipeline.lake.table(aside(EVENTS))) == ["event-2"]
    assert traces(pipeline.folder, ANNA) == []


def test_a_damaged_file_is_named_and_the_others_are_done(pipeline: Pipeline) -> None:
    table = pipeline.table
    store(table, at(1, user_id=ANNA), at(2))
    store(table, at(3, 11, user_id=ANNA), at(4, 11))
    damaged, _ = sorted(table.files(), key=lambda info: info.key)
    path = pipeline.folder / damaged.path.partition(f"{pipeline.folder.name}/")[2]
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])

    with pytest.raises(DeclinedError, match="a3f7c2") as raised:
        erase(pipeline)

    assert "clearlift lake rebuild --day 2025-10-10 --org a3f7c2" in str(raised.value)
    path.write_bytes(content)
    assert erase(pipeline).rows == 1
    assert ids(table) == ["event-2", "event-4"]
    assert traces(pipeline.folder, ANNA) == []


@pytest.mark.filterwarnings("ignore:Iceberg scan planning:polars.exceptions.PerformanceWarning")
@pytest.mark.parametrize("reader", ["PyIceberg", "polars", "chDB"])
def test_other_engines_see_everybody_else(pipeline: Pipeline, reader: str) -> None:
    table = pipeline.table
    store(table, at(1, user_id=ANNA), at(2), at(3, 11, user_id="user-carl-0003"))
    store(table, at(4, referrer=f"https://shop.example/{ANNA}"))

    erase(pipeline)

    found = READERS[reader](table.load().metadata_location, ["event_id", "user_id", "referrer"])
    assert sorted(map(tuple, found)) == [
        ("event-2", None, None),
        ("event-3", "user-carl-0003", None),
        ("event-4", None, None),
    ]
