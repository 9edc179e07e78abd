"""Kept hashes: what is known of a file is right or not known, whatever became of the file that keeps it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from resources.lake import KeptHashes

TODAY = date(2025, 10, 5)


def kept(file: Path, mark: str = "a", today: date = TODAY) -> KeptHashes:
    return KeptHashes(file, mark, lambda: today)


def known(of: KeptHashes, *paths: str) -> dict[str, list[int]]:
    return {path: hashes.tolist() for path, hashes in of.of(paths)}


def hashes(*of: int) -> "np.ndarray[tuple[int], np.dtype[np.uint64]]":
    return np.array(of, np.uint64)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "copies" / "ids.sqlite"


def test_what_was_kept_is_known_and_nothing_else(file: Path) -> None:
    many = {f"file-{n}": hashes(n, 2**64 - 1) for n in range(250)}
    kept(file).keep(many)

    assert known(kept(file), *many, "other") == {path: of.tolist() for path, of in many.items()}
    assert known(kept(file, mark="b"), *many) == {}
    assert file.stat().st_mode & 0o077 == 0


def _garbage(file: Path) -> None:
    file.write_bytes(b"no database" * 1_000)


def _torn(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))


@pytest.mark.parametrize("damage", [Path.unlink, _garbage, _torn])
def test_a_damaged_file_knows_nothing_and_is_made_again(file: Path, damage: Callable[[Path], None]) -> None:
    kept(file).keep({"one": hashes(1), "two": hashes(*range(5_000))})
    damage(file)

    assert known(kept(file), "one", "two") == {}
    kept(file).keep({"one": hashes(1)})
    kept(file).keep({"one": hashes(1)})
    assert known(kept(file), "one") == {"one": [1]}


def test_a_hash_that_was_changed_on_disk_is_not_known(file: Path) -> None:
    kept(file).keep({"one": hashes(0x1122334455667788)})
    content = file.read_bytes()
    assert content.count(bytes.fromhex("8877665544332211")) == 1
    file.write_bytes(content.replace(bytes.fromhex("8877665544332211"), bytes(8)))

    assert known(kept(file), "one") == {}


def test_a_file_that_cannot_be_made_knows_nothing(tmp_path: Path) -> None:
    (tmp_path / "copies").write_text("no folder")
    of = kept(tmp_path / "copies" / "ids.sqlite")
    of.keep({"one": hashes(1)})

    assert known(of, "one") == {}


def test_what_nobody_asks_for_goes(file: Path) -> None:
    kept(file).keep({"asked": hashes(1), "not asked": hashes(2)})
    later = TODAY + timedelta(days=5)
    assert known(kept(file, today=later), "asked") == {"asked": [1]}
    kept(file, today=later + timedelta(days=4)).keep({"new": hashes(3)})

    assert known(kept(file), "asked", "not asked", "new") == {"asked": [1], "new": [3]}


def test_many_keep_and_ask_at_once(file: Path) -> None:
    def work(number: int) -> None:
        of = kept(file)
        of.keep({f"{number}": hashes(number)})
        assert known(of, f"{number}") == {f"{number}": [number]}

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(40)))
    assert len(known(kept(file), *map(str, range(40)))) == 40
