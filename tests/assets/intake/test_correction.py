"""A file of corrected lines is NDJSON in UTF-8, plain or gzip, and nothing else."""

import gzip
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.intake import correction
from assets.intake.correction import Correction, CorrectionError

PNG = b"\x89PNG\r\n\x1a\n" + bytes(30)
LINES = b'{"a": 1}\n\n  \n{"b":\r"\xc3\xbc"}\r\n'


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_lines_come_as_they_are_plain_or_packed(tmp_path: Path, packed: bool, mark: bytes) -> None:
    file = tmp_path / "corrected"
    file.write_bytes(gzip.compress(mark + LINES, mtime=0) if packed else mark + LINES)
    found = Correction.of(file)
    assert (found.lines, list(found)) == (2, [b'{"a": 1}', b'{"b":\r"\xc3\xbc"}\r'])


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (gzip.compress(b"", mtime=0), "is empty"),
        (gzip.compress(b"\n \n", mtime=0), "is empty"),
        (PNG, "line 1 is not UTF-8"),
        (gzip.compress(PNG, mtime=0), "line 1 is not UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "line 1 is not UTF-8"),
        (b'{"a": 1}\n\xff\n', "line 2 is not UTF-8"),
        (b'{"a": 1}\n{"cut": \n', "line 2 is no JSON object"),
        (b"[1, 2]", "line 1 is no JSON object"),
        (b'{\n  "a": 1\n}\n', "line 1 is no JSON object"),
        (b"[" * 100_000, "line 1 is no JSON object"),
        (gzip.compress(LINES, mtime=0)[:-9], "damaged gzip"),
        (gzip.compress(LINES, mtime=0)[:-8] + bytes(8), "damaged gzip"),
        (gzip.compress(LINES, mtime=0)[:10] + b"\xff" * 30, "damaged gzip"),
        (gzip.compress(gzip.compress(LINES, mtime=0), mtime=0), "line 1 is not UTF-8"),
    ],
)
def test_what_is_none_is_refused_and_quoted_nowhere(tmp_path: Path, content: bytes, why: str) -> None:
    file = tmp_path / "corrected"
    file.write_bytes(content)
    with pytest.raises(CorrectionError, match=why) as raised:
        Correction.of(file)
    assert "cut" not in str(raised.value)


def test_a_line_without_an_end_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(correction, "LONGEST_LINE", 100)
    file = tmp_path / "corrected"
    file.write_bytes(gzip.compress(b'{"a": 1}\n{"a": "' + b"x" * 1000 + b'"}', mtime=0))
    with pytest.raises(CorrectionError, match="line 2 is longer"):
        Correction.of(file)


@given(
    content=st.binary(max_size=40)
    | st.binary(max_size=40).map(gzip.compress)
    | st.binary(max_size=40).map(zlib.compress)
)
def test_any_bytes_are_lines_of_objects_or_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "corrected"
    file.write_bytes(content)
    try:
        found = Correction.of(file)
    except CorrectionError:
        return
    assert found.lines == len(list(found)) > 0
