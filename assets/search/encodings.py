"""The bytes by which a text can lie in a store. Pure.

What belongs here: encodings that give the text back. What does not: hashes of it (hashes.py).
"""

import base64
import html
import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote

Encoding = Literal["plain", "json", "percent", "markup", "utf-16", "hex", "base64", "hash"]
ALPHABET = re.compile(rb"[A-Za-z0-9+/_-]*")
_STANDARD = bytes.maketrans(b"-_", b"+/")


@dataclass(frozen=True, slots=True)
class Form:
    """How bytes stand for a text: `size` bytes of it, and in base64 how many bytes of a group of three lie before.

    begins and ends: whether the text does so with a letter, so that another letter beside it makes a longer word.
    said: in base64 the text's own bytes, because the letters that it alone decides stand for similar texts too.
    """

    encoding: Encoding
    size: int
    offset: int = 0
    begins: bool = True
    ends: bool = True
    said: bytes = field(default=b"", repr=False)


def encoded(text: str) -> dict[tuple[bytes, bytes], Form]:
    """Each form of a text that is not empty, by its bytes and what base64 says by them."""
    written: dict[bytes, Encoding] = {}
    for data, encoding in _written(text):
        written.setdefault(data, encoding)
    edges = _is_letter(text[:1]), _is_letter(text[-1:])
    found = {(form, b""): Form(encoding, len(form), 0, *edges) for form, encoding in written.items()}
    for codec in ("utf-16-le", "utf-16-be"):
        units = text.encode(codec, "surrogatepass")
        found.setdefault((units, b""), Form("utf-16", len(units), 0, *edges))
    for form in written:
        for digits in (form.hex(), form.hex().upper()):
            found.setdefault((digits.encode(), b""), Form("hex", len(form), 0, *edges))
        for offset, letters in _in_base64(form):
            for alphabet in (letters, letters.replace(b"+", b"-").replace(b"/", b"_")):
                found.setdefault((alphabet, form), Form("base64", len(form), offset, *edges, form))
    return found


def is_said(data: bytes, start: int, form: Form) -> bool:
    """Whether the base64 that begins at data[start] is of this text, and of none with another first or last letter.

    True where they are not there, so that nobody is overlooked.
    """
    group = start - _shared(form.offset)
    stop = group - (-(form.offset + form.size) * 8 // 6)
    if group < 0 or ALPHABET.fullmatch(data, group, stop) is None or stop > len(data):
        return True
    letters = data[group:stop].translate(_STANDARD)
    said = base64.b64decode(letters + b"A" * (-len(letters) % 4))
    return said[form.offset : form.offset + form.size] == form.said


def unpacked(data: bytes, start: int, end: int, form: Form) -> tuple[bytes, bytes]:
    """The byte before and the byte after the text that the letters of base64 data[start:end] stand for.

    Each is empty where the letters around end there.
    """
    group = start - _shared(form.offset)
    begin = group - 4 if group >= 4 and ALPHABET.fullmatch(data, group - 4, group) else max(group, 0)
    match = ALPHABET.match(data, max(group, 0), end + 8)
    letters = data[begin : max(end, match.end() if match else 0)].translate(_STANDARD)
    lacking = max(0, -group)
    letters = b"A" * lacking + letters
    said = base64.b64decode(letters[: len(letters) - (len(letters) % 4 == 1)] + b"=" * (-len(letters) % 4))
    at = (group - begin) // 4 * 3 + form.offset if not lacking else form.offset
    return (b"" if at == 0 or lacking else said[at - 1 : at]), said[at + form.size : at + form.size + 1]


def _is_letter(character: str) -> bool:
    return character.isalnum() or character == "_" or character > "\x7f"


def _written(text: str) -> Iterator[tuple[bytes, Encoding]]:
    """A text as other texts have it."""
    for variant in dict.fromkeys((text, unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text))):
        yield from ((form.encode(errors="surrogatepass"), how) for form, how in _escaped(variant))


def _escaped(text: str) -> Iterator[tuple[str, Encoding]]:
    yield text, "plain"
    for ascii_only in (True, False):
        once = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        for form in (once, once.replace("/", "\\/"), json.dumps(once)[1:-1]):
            yield form, "json"
            yield re.sub(r"\\u[0-9a-f]{4}", lambda code: f"\\u{code[0][2:].upper()}", form), "json"
            # COPY doubles what is a backslash already.
            yield form.replace("\\", "\\\\"), "json"
    for safe in ("", "/", "@", "@+", "/@+:"):
        once = quote(text, safe=safe, errors="surrogatepass")
        for form in (once, quote(once, safe=""), once.replace("%20", "+")):
            yield form, "percent"
            yield re.sub(r"%[0-9A-F]{2}", lambda code: code[0].lower(), form), "percent"
    yield from ((form, "markup") for form in (html.escape(text), text.replace("'", "''"), text.replace('"', '""')))


def _in_base64(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The letters that `data` alone decides, by how many bytes of its group lie before it."""
    for offset in range(3):
        letters = base64.b64encode(bytes(offset) + data)
        yield offset, letters[_shared(offset) : (offset + len(data)) * 8 // 6]


def _shared(offset: int) -> int:
    """The letters of a group that the bytes before a text decide, alone or together with it."""
    return (offset * 8 + 5) // 6
