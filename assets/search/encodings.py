"""The bytes by which a text can lie in a store. Pure.

What belongs here: encodings that give the text back. What does not: hashes of it (hashes.py).
"""

import base64
import html
import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

Encoding = Literal["plain", "json", "percent", "markup", "utf-16", "hex", "base64", "hash"]
ALPHABET = re.compile(rb"[A-Za-z0-9+/_-]*")
_STANDARD = bytes.maketrans(b"-_", b"+/")


@dataclass(frozen=True, slots=True)
class Form:
    """How bytes stand for a text: `size` bytes of it, and in base64 how many bytes of a group of three lie before.

    begins and ends: whether the text does so with a letter, so that another letter beside it makes a longer word.
    """

    encoding: Encoding
    size: int
    offset: int = 0
    begins: bool = True
    ends: bool = True


def encoded(text: str) -> dict[bytes, Form]:
    """Each form of a text that is not empty."""
    written: dict[bytes, Encoding] = {}
    for data, encoding in _written(text):
        written.setdefault(data, encoding)
    edges = _is_letter(text[:1]), _is_letter(text[-1:])
    found = {form: Form(encoding, len(form), 0, *edges) for form, encoding in written.items()}
    for codec in ("utf-16-le", "utf-16-be"):
        units = text.encode(codec, "surrogatepass")
        found.setdefault(units, Form("utf-16", len(units), 0, *edges))
    for form in written:
        for digits in (form.hex(), form.hex().upper()):
            found.setdefault(digits.encode(), Form("hex", len(form), 0, *edges))
        for offset, letters in _in_base64(form):
            for alphabet in (letters, letters.replace(b"+", b"-").replace(b"/", b"_")):
                found.setdefault(alphabet, Form("base64", len(form), offset, *edges))
    return found


def unpacked(data: bytes, start: int, end: int, form: Form) -> tuple[bytes, bytes]:
    """The byte before and the byte after the text that the letters of base64 data[start:end] stand for.

    Each is empty where the letters around end there.
    """
    group = start - (form.offset * 8 + 5) // 6
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
        yield offset, letters[(offset * 8 + 5) // 6 : (offset + len(data)) * 8 // 6]
