"""Which stored files are read for doubles, and that a lost or damaged copy of their ids changes nothing."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.assets.event_pipeline import Pipeline, line


def stored(pipeline: Pipeline) -> list[Path]:
    return [Path(path.removeprefix("file://")) for path in pipeline.files()]


def test_a_batch_of_new_events_reads_no_stored_file(pipeline: Pipeline) -> None:
    pipeline.land(*(line(n) for n in range(10)))
    pipeline.ingested()
    for file in stored(pipeline):
        file.unlink()
    pipeline.land(*(line(n) for n in range(10, 20)))

    run = pipeline.ingested()

    assert (run.total("stored"), run.damaged) == (10, [])


def test_a_file_that_holds_one_of_the_ids_is_read(pipeline: Pipeline) -> None:
    pipeline.land(line(1), line(2))
    pipeline.ingested()
    pipeline.land(line(2), line(3))

    run = pipeline.ingested()

    assert (run.total("stored"), run.total("doubled")) == (1, 1)
    assert len(pipeline.event_ids()) == 3


def _gone(copies: Path) -> None:
    shutil.rmtree(copies)


def _damaged(copies: Path) -> None:
    for file in copies.iterdir():
        file.write_bytes(b"no database" * 1_000)


@pytest.mark.parametrize("lose", [_gone, _damaged])
def test_a_lost_copy_is_made_again_and_no_double_is_stored(pipeline: Pipeline, lose: Callable[[Path], None]) -> None:
    pipeline.land(*(line(n) for n in range(10)))
    pipeline.ingested()
    lose(pipeline.engine().copies)
    pipeline.land(*(line(n) for n in range(5, 15)))
    run = pipeline.ingested()
    assert (run.total("stored"), run.total("doubled")) == (5, 5)

    for file in stored(pipeline):
        file.unlink()
    pipeline.land(*(line(n) for n in range(15, 20)))

    assert pipeline.ingested().total("stored") == 5
