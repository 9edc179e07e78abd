"""What tests of backups share."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import MEMORY


@pytest.fixture
def memory_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: SQLite syncs each commit, which takes a disk longer than all else."""
    if not MEMORY.is_dir():
        yield tmp_path
        return
    folder = Path(tempfile.mkdtemp(prefix="clearlift-backups-", dir=MEMORY))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
