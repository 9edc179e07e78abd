"""Scratch folders: private, gone afterwards, and gone too where their process was killed."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from assets.backups.scratch import remove_abandoned, scratch

KILLED = """
import os, signal, sys
from pathlib import Path
from assets.backups.scratch import scratch
with scratch(Path(sys.argv[1])) as folder:
    (folder / "people.sqlite").write_text("x")
    os.kill(os.getpid(), signal.SIGKILL)
"""

SERVING = """
import os, signal, sys
from pathlib import Path
from assets.backups.scratch import scratch
from resources.postgres import embedded
with scratch(Path(sys.argv[1])) as folder:
    embedded.start(folder / "postgres")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_folder_is_for_its_owner_alone_and_gone_afterwards(tmp_path: Path) -> None:
    root = tmp_path / "home" / "scratch"
    with scratch(root) as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        assert root.stat().st_mode & 0o777 == 0o700
        (folder / "deep").mkdir()
    assert list(root.iterdir()) == []
    with pytest.raises(ZeroDivisionError), scratch(root):
        1 / 0  # noqa: B018
    assert list(root.iterdir()) == []


def test_the_folder_of_a_killed_process_goes_and_that_of_a_living_one_stays(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    with scratch(tmp_path) as mine:
        assert not left.exists()
        with scratch(tmp_path) as other:
            assert mine.is_dir()
            assert {mine, other} == set(tmp_path.iterdir())
        assert remove_abandoned(tmp_path) == 0
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_a_killed_process_left_running_is_stopped(tmp_path: Path) -> None:
    root = tmp_path / "scratch"
    killed = subprocess.run([sys.executable, "-c", SERVING, str(root)], check=False)
    assert killed.returncode == -signal.SIGKILL
    (folder,) = root.iterdir()
    process = int((folder / "postgres" / "postmaster.pid").read_text().splitlines()[0])
    assert psutil.pid_exists(process)
    assert remove_abandoned(root) == 1
    # Its parent is gone, so that nobody may have asked how it ended.
    assert not psutil.pid_exists(process) or psutil.Process(process).status() == psutil.STATUS_ZOMBIE
    assert list(root.iterdir()) == []
