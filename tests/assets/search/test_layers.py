"""An object is searched as it lies there and unpacked, in pieces of any size; one that does not unpack is reported."""

import base64
import gzip
import io
import json
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from PIL import Image, PngImagePlugin

from assets.search.formats import DamagedError
from assets.search.layers import Layers
from assets.search.needles import Counts, Key, Needles
from tests.assets.search.people import person

NEEDLES = Needles([person("anonym-7f3a")])
ROW = json.dumps({"id": "anonym-7f3a"}).encode()


def searched(data: bytes, folder: Path, piece: int = 1000) -> Counter[Key]:
    counts = Counts()
    layers = Layers(NEEDLES, counts, folder)
    for begin in range(0, len(data), piece):
        layers.feed(data[begin : begin + piece])
    layers.close()
    return NEEDLES.judged(counts)


def parquet(values: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"column": values}), file, **{"write_statistics": False, "compression": "zstd", **options})
    return file.getvalue()


def zipped(data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("rows.json", data * 3)
    return file.getvalue()


def picture() -> bytes:
    file, text = io.BytesIO(), PngImagePlugin.PngInfo()
    text.add_text("Author", "anonym-7f3a", zip=True)
    text.add_itxt("Comment", "by anonym-7f3a", zip=True)
    Image.new("RGB", (4, 4)).save(file, "PNG", pnginfo=text)
    return file.getvalue()


PACKED: dict[str, Callable[[], bytes]] = {
    "gzip": lambda: gzip.compress(ROW * 3),
    "members of gzip": lambda: gzip.compress(b"x") + gzip.compress(ROW),
    "quarantine": lambda: gzip.compress(json.dumps({"raw": base64.b64encode(ROW).decode()}).encode()),
    "zstd": lambda: zstandard.compress(ROW * 3),
    "zip": lambda: zipped(ROW),
    "gzip in zip": lambda: zipped(gzip.compress(ROW * 3)),
    "PNG": picture,
    "Parquet": lambda: parquet(["x", "anonym-7f3a"] * 50),
    "Parquet without a dictionary": lambda: parquet(["x", "anonym-7f3a"] * 50, use_dictionary=False),
    "Parquet of lists": lambda: parquet([[["anonym-7f3a"], []], []] * 50),
    "Parquet of structures": lambda: parquet([{"a": {"b": "anonym-7f3a"}}, None] * 50),
    "Parquet of bytes": lambda: parquet([b"x anonym-7f3a", None] * 50),
    "Parquet of JSON": lambda: parquet([json.dumps({"a": "anonym-7f3a"}), None] * 50),
}


@pytest.mark.parametrize("name", PACKED)
def test_what_is_packed_is_searched(name: str, tmp_path: Path) -> None:
    data = PACKED[name]()
    assert sum(searched(data, tmp_path).values()) > data.count(b"anonym-7f3a")
    assert searched(data, tmp_path, piece=3) == searched(data, tmp_path, piece=10**6)


def test_the_statistics_of_a_parquet_file_are_searched(tmp_path: Path) -> None:
    data = parquet(["anonym-7f3a"], write_statistics=True)
    assert data.count(b"anonym-7f3a") > 0
    assert sum(searched(data, tmp_path).values()) > 1


def test_texts_that_lie_one_behind_the_other_are_no_longer_words(tmp_path: Path) -> None:
    assert searched(parquet(["anonym-7f3a", "b"] * 10, use_dictionary=False), tmp_path)
    assert not searched(parquet(["anonym-7", "f3a"] * 10, use_dictionary=False), tmp_path)
    assert not searched(parquet(["anonym-7f3ab"] * 10, use_dictionary=False), tmp_path)


@pytest.mark.parametrize("name", sorted(set(PACKED) - {"PNG"}))
def test_what_was_cut_is_reported(name: str, tmp_path: Path) -> None:
    data = PACKED[name]()
    with pytest.raises(DamagedError) as raised:
        searched(data[: len(data) - 9], tmp_path)
    assert "anonym" not in str(raised.value)


def test_what_unpacks_of_a_cut_object_is_searched(tmp_path: Path) -> None:
    counts = Counts()
    layers = Layers(NEEDLES, counts, tmp_path)
    layers.feed(gzip.compress(ROW + b" " * 100)[:-4])
    with pytest.raises(DamagedError):
        layers.close()
    assert counts


@pytest.mark.parametrize("data", [b"", b"{}", b"\x1f", b"plain text", b"PAR"])
def test_what_is_not_packed_is_whole(data: bytes, tmp_path: Path) -> None:
    assert not searched(data, tmp_path)


def test_an_object_that_unpacks_to_too_much_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assets.search.layers.MOST_BYTES", 2**20)
    with pytest.raises(DamagedError):
        searched(gzip.compress(bytes(2**25)) + gzip.compress(bytes(2**25)), tmp_path)
    assert not searched(gzip.compress(bytes(2**19)), tmp_path)


def test_what_is_packed_too_often_is_reported(tmp_path: Path) -> None:
    data = ROW
    for _ in range(6):
        data = gzip.compress(data)
    with pytest.raises(DamagedError):
        searched(data, tmp_path)
