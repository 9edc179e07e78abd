"""Backups of a D1 beside VACUUM INTO, SQLite's backup API and litestream: how fast, how small, and who waits.

A SQLite file of `MB` (environment: BACKUPS_MB) is backed up while another connection writes a row every few
milliseconds; its longest wait is the price that others pay. `incremental` backs up changes of every twentieth row. Ours
is read page by page over the same interface as a D1 over HTTP, compressed, sealed and listed with checksums; the
contenders copy the file as it is. `restore` begins with what each of them left, and ends with a file that SQLite's
quick_check finds whole.
"""

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assets.apps import App
from assets.backups import sets
from assets.backups.d1 import D1Backups
from assets.backups.manifest import Kind, Manifest
from assets.backups.method import Scope
from assets.backups.parts import Draft
from assets.backups.target import Target, new_id
from benchmarks import measure
from benchmarks.stores import new_folder
from resources.d1 import EmbeddedD1
from resources.d1.pace import Pace
from resources.keyring import Keyring
from resources.r2 import FolderObjectStore

MB = int(os.environ.get("BACKUPS_MB", "256"))
ROW_BYTES = 500
CONTENDERS = (
    "full_ours", "full_vacuum_into", "full_backup_api", "full_litestream", "incremental_ours",
    "restore_ours", "restore_copy", "restore_litestream",
)  # fmt: skip
SHOP = App(name="bench", title="Bench", owner="team:bench", tables={})
TABLE = """create table items (
    id integer primary key, user text not null, name text not null, price real, sold integer, at text, note text
)"""
FILL = """with recursive n (id) as (select 1 union all select id + 1 from n where id < ?)
insert into items select
    id, 'user ' || (id % 1000), 'item ' || id || ' ' || hex(randomblob(20)), id * 0.37, id % 7,
    '2026-03-02T00:00:00.000Z', hex(randomblob(60)) || ' words of a note that compress as those of people do ' || id
    || ' and some more of them, because rows of people have texts: blue chair, lamp, table, one careful owner'
from n"""
WRITE = "update items set sold = sold + 1 where id = ?"

Work = Callable[[], Mapping[str, Any]]


def main() -> None:
    """Print the table."""
    measured = measure.contest(
        "benchmarks.backups", CONTENDERS, may_fail=[name for name in CONTENDERS if name.endswith("litestream")]
    )
    rows = []
    for name, m in measured.items():
        ours = measured[f"{name.partition('_')[0]}_ours"]
        rows.append(
            [
                name, f"{m.details['mb']:.0f}", f"{m.details['mb'] / m.seconds:.0f}", f"{m.seconds:.1f}",
                f"{m.cpu:.1f}", f"{m.details['stored_mb']:.0f}", f"{m.details['waited_ms']:.0f}",
                f"{m.peak_mb:.0f}", "" if m is ours else f"{ours.seconds / m.seconds:.1f}",
            ]
        )  # fmt: skip
    measure.table(
        f"Backups of a D1 of {MB} MB",
        [
            "contender", "MB", "MB/s", "seconds", "CPU seconds", "MB stored", "longest wait of a writer, ms", "peak MB",
            "ours takes … times as long",
        ],
        rows,
    )  # fmt: skip


def full_ours() -> Work:
    d1, kept = _ours()

    def work() -> Mapping[str, Any]:
        with _writer(d1.path) as waits:
            manifest = kept.run(Kind.FULL)
        return {"mb": _mb(d1.path), "stored_mb": manifest.size / 1e6, "waited_ms": max(waits) * 1e3}

    return work


def incremental_ours() -> Work:
    d1, kept = _ours()
    kept.run(Kind.FULL)
    d1.execute("update items set sold = sold + 1 where id % 20 = 0")

    def work() -> Mapping[str, Any]:
        with _writer(d1.path) as waits:
            manifest = kept.run(Kind.INCREMENTAL)
        changes = int(manifest.facts["entries"])
        return {"mb": changes * ROW_BYTES / 1e6, "stored_mb": manifest.size / 1e6, "waited_ms": max(waits) * 1e3}

    return work


def full_vacuum_into() -> Work:
    path = _filled().path
    return _copied(path, lambda copy: _run(path, "vacuum into ?", str(copy)))


def full_backup_api() -> Work:
    path = _filled().path

    def backed_up(copy: Path) -> None:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)

    return _copied(path, backed_up)


def full_litestream() -> Work:
    path = _filled().path
    folder = new_folder()

    def work() -> Mapping[str, Any]:
        with _writer(path) as waits:
            _litestream("replicate", "-once", str(path), f"file://{folder}/replica")
        return {"mb": _mb(path), "stored_mb": _mb(folder), "waited_ms": max(waits) * 1e3}

    return work


def restore_ours() -> Work:
    _, kept = _ours()
    manifest = kept.run(Kind.FULL)
    place = EmbeddedD1(new_folder() / "place.sqlite")

    def work() -> Mapping[str, Any]:
        kept.method.restore(kept.target, (manifest,), place, Scope())
        _check(place.path)
        return {"mb": _mb(place.path), "stored_mb": manifest.size / 1e6, "waited_ms": 0}

    return work


def restore_copy() -> Work:
    source, folder = _filled().path, new_folder()
    _run(source, "vacuum into ?", str(folder / "copy"))

    def work() -> Mapping[str, Any]:
        shutil.copyfile(folder / "copy", folder / "place")
        with (folder / "place").open("rb") as file:
            os.fsync(file.fileno())
        _check(folder / "place")
        return {"mb": _mb(folder / "place"), "stored_mb": _mb(folder / "copy"), "waited_ms": 0}

    return work


def restore_litestream() -> Work:
    path, folder = _filled().path, new_folder()
    replica = f"file://{folder}/replica"
    _litestream("replicate", "-once", str(path), replica)

    def work() -> Mapping[str, Any]:
        _litestream("restore", "-o", str(folder / "place"), replica)
        _check(folder / "place")
        return {"mb": _mb(folder / "place"), "stored_mb": _mb(folder / "replica"), "waited_ms": 0}

    return work


class _Kept:
    """The backups of the file."""

    def __init__(self, d1: EmbeddedD1) -> None:
        self.target = Target(FolderObjectStore(new_folder()), "backups", Keyring({1: os.urandom(32)}))
        self.method = D1Backups(SHOP, d1, lambda: datetime.now(UTC), pace=Pace(1))

    def run(self, kind: Kind) -> Manifest:
        draft = Draft(self.target, self.method.store, new_id(datetime.now(UTC), kind))
        base = sets.find(self.target, self.method.store).newest_good
        contents = self.method.incremental(draft, base) if base else self.method.full(draft)
        manifest = sets.seal(draft, contents, "bench")
        sets.mark_verified(self.target, self.method.store, manifest.id, datetime.now(UTC))
        return manifest


def _ours() -> tuple[EmbeddedD1, _Kept]:
    d1 = _filled()
    return d1, _Kept(d1)


def _filled() -> EmbeddedD1:
    d1 = EmbeddedD1(new_folder() / "d1.sqlite")
    d1.execute(TABLE)
    d1.execute(FILL, [MB * 1_000_000 // ROW_BYTES])
    return d1


@contextmanager
def _writer(path: Path) -> Iterator[list[float]]:
    """Another connection that writes; the seconds that each of its writes took."""
    waits, ended = [0.0], threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as connection:
            for number in range(1, 1_000_000):
                began = time.perf_counter()
                connection.execute(WRITE, [number])
                waits.append(time.perf_counter() - began)
                if ended.wait(0.005):
                    return

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield waits
    finally:
        ended.set()
        thread.join()


def _copied(path: Path, copy: Callable[[Path], None]) -> Work:
    folder = new_folder()

    def work() -> Mapping[str, Any]:
        with _writer(path) as waits:
            copy(folder / "copy")
        return {"mb": _mb(path), "stored_mb": _mb(folder), "waited_ms": max(waits) * 1e3}

    return work


def _litestream(*arguments: str) -> None:
    program = Path(sys.executable).with_name("litestream")
    subprocess.run([program, *arguments], check=True, capture_output=True)


def _run(path: Path, statement: str, *params: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement, params)


def _check(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("pragma quick_check").fetchall() == [("ok",)]


def _mb(path: Path) -> float:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    assert files, f"nothing lies in {path}"
    return sum(file.stat().st_size for file in files) / 1e6
