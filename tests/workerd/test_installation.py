"""The installation of the local runtime where it fails: tried once in a run of the tests, by all of its processes."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.workerd import local_runtime
from tests.workerd.local_runtime import HERE, RUN, NotInstalledError, installed

# What a test or an xdist worker does, in a process of its own.
TRIES = """
import sys
from pathlib import Path
from tests.workerd import local_runtime
local_runtime.CACHE, local_runtime.NODE = Path(sys.argv[1]), Path(sys.argv[2])
try:
    local_runtime.installed()
except local_runtime.NotInstalledError as error:
    print(error)
"""


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Node that counts how often it is started, and fails."""
    node = tmp_path / "node"
    node.write_text(f"#!/bin/sh\necho >> {tmp_path}/started\necho 'no way to the registry' >&2\nexit 1\n")
    node.chmod(0o755)
    monkeypatch.setattr(local_runtime, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(local_runtime, "NODE", node)
    monkeypatch.setenv(RUN, "first")
    return node


def started(node: Path) -> int:
    return (node.parent / "started").read_text().count("\n")


def test_an_installation_that_fails_is_tried_once_a_run(broken: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        with pytest.raises(NotInstalledError, match="no way to the registry"):
            installed()
    command: list[str | Path] = [sys.executable, "-c", TRIES, local_runtime.CACHE, broken]
    others = [subprocess.Popen(command, cwd=HERE.parents[1], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [other.communicate()[0] for other in others] == ["no way to the registry\n"] * 2
    assert started(broken) == 1
    monkeypatch.setenv(RUN, "second")
    with pytest.raises(NotInstalledError):
        installed()
    assert started(broken) == 2
