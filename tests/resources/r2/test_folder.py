"""The embedded room only: files that other programs see, and writers that are killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from resources.r2 import FolderObjectStore

WRITER = """
import pathlib, sys, time
from resources.r2 import FolderObjectStore
def slowly():
    yield bytes(40 * 1024 * 1024)
    print("half", flush=True)
    time.sleep(60)
    yield b"end"
FolderObjectStore(pathlib.Path(sys.argv[1])).put(sys.argv[2], slowly())
"""


@pytest.mark.parametrize("before", [None, b"old"])
def test_a_killed_writer_leaves_nothing_half_done(tmp_path: Path, before: bytes | None) -> None:
    store = FolderObjectStore(tmp_path)
    if before is not None:
        store.put("a/k", before)
    command = [sys.executable, "-c", WRITER, str(tmp_path), "a/k"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "half\n"
        os.kill(writer.pid, signal.SIGKILL)
    assert [info.key for info in store.list()] == ([] if before is None else ["a/k"])
    assert store.exists("a/k") is (before is not None)
    assert list(store.list_prefixes()) == ([] if before is None else ["a"])
    assert before is None or store.get("a/k") == before
    store.put("a/k", [b"x" * 100] * 10)
    assert store.get("a/k") == b"x" * 1000
    assert [info.key for info in store.list()] == ["a/k"]


def test_objects_are_plain_files(tmp_path: Path) -> None:
    store = FolderObjectStore(tmp_path / "made" / "here")
    store.put("org_tag=a3f7c2/é b/x%20.json", b"{}")
    assert (tmp_path / "made/here/org_tag=a3f7c2/é b/x%20.json").read_bytes() == b"{}"
    assert store.uri("org_tag=a3f7c2") == str(tmp_path / "made/here/org_tag=a3f7c2")
    assert store.uri() == str(tmp_path / "made/here")
    assert store.polars_options() == store.iceberg_properties() == {}
    url = store.signed_url("org_tag=a3f7c2/é b/x%20.json", 60)
    assert url == (tmp_path / "made/here/org_tag=a3f7c2/é b/x%20.json").as_uri()


def test_a_copy_stays_as_it_is_when_a_program_writes_into_the_file_that_was_copied(tmp_path: Path) -> None:
    store = FolderObjectStore(tmp_path)
    store.put("a", b"1")
    store.copy("a", "b/c")
    (tmp_path / "a").write_bytes(b"2")
    assert (store.get("a"), store.get("b/c")) == (b"2", b"1")


def test_empty_folders_stay_and_are_not_listed(tmp_path: Path) -> None:
    store = FolderObjectStore(tmp_path)
    store.put("a/b/c", b"1")
    store.delete("a/b/c")
    assert (tmp_path / "a/b").is_dir()
    assert list(store.list()) == []
    assert list(store.list_prefixes()) == list(store.list_prefixes("a")) == []


def test_files_of_others_are_objects_too(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "batch.json").write_bytes(b"[]")
    store = FolderObjectStore(tmp_path)
    assert [info.key for info in store.list("in")] == ["in/batch.json"]
    assert store.get("in/batch.json") == b"[]"
    with pytest.raises(OSError, match="in"):
        store.get("in")
