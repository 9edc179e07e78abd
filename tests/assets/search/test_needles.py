"""What names a person is found however it is written, and an id that only begins alike is not."""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, quote_plus

import mmh3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.search.needles import CANARY, Counts, Key, Needles
from assets.search.seen import Stream
from tests.assets.search.people import person

NEEDLES = Needles([person("user-001")])
IDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=6, max_size=40)
# By their names, what others write of a text.
WRITERS: dict[str, Callable[[str], bytes]] = {
    "utf-8": lambda text: text.encode(),
    "JSON": lambda text: json.dumps({"id": text}).encode(),
    "JSON with letters": lambda text: json.dumps({"id": text}, ensure_ascii=False).encode(),
    "JSON in JSON": lambda text: json.dumps({"data": json.dumps({"id": text})}).encode(),
    "JSON of JavaScript": lambda text: json.dumps({"id": text}).replace("/", "\\/").encode(),
    "a path": lambda text: f"/people/{quote(text, safe='')}/x".encode(),
    "a form": lambda text: f"id={quote_plus(text)}&x=1".encode(),
    "an address in an address": lambda text: f"?to={quote(quote(text, safe=''), safe='')}".encode(),
    "UTF-16": lambda text: f'"{text}"'.encode("utf-16-le"),
    "hex": lambda text: f"\\x{text.encode().hex()}".encode(),
    "HEX": lambda text: text.encode().hex().upper().encode(),
    "SQL": lambda text: f"('{text.replace(chr(39), chr(39) * 2)}')".encode(),
}


def found(needles: Needles, data: bytes, *, exact: bool = True) -> Counter[Key]:
    counts = Counts()
    needles.count(counts, data, 0, len(data), exact=exact)
    return needles.judged(counts)


@settings(max_examples=40)
@given(text=IDS)
def test_a_person_is_found_however_it_is_written(text: str) -> None:
    needles = Needles([person(text)])
    for name, write in WRITERS.items():
        data = b'{"a": "' + write(text) + b'"}'
        assert found(needles, data), name
        assert found(needles, data, exact=False), name


@settings(max_examples=40)
@given(text=IDS, before=st.binary(max_size=8), after=st.binary(max_size=8), safe=st.booleans())
def test_a_person_is_found_in_base64_at_every_place(text: str, before: bytes, after: bytes, safe: bool) -> None:
    said = before + b'"' + text.encode() + b'"' + after
    letters = base64.urlsafe_b64encode(said) if safe else base64.b64encode(said)
    needles = Needles([person(text)])
    assert found(needles, letters)
    assert found(needles, b'{"raw":"' + letters + b'"}')


@settings(max_examples=20)
@given(text=IDS)
def test_a_hash_without_a_key_leads_to_the_person(text: str) -> None:
    needles = Needles([person(text, kind="visitor")], tenants=["a3f7c2", "b81d04"])
    digest = hashlib.blake2b(f"b81d04\0{text}".encode(), digest_size=16).digest()
    sketch = mmh3.hash64(text.encode(), signed=False)[0].to_bytes(8, "little")
    for data in (digest, digest.hex().encode(), sketch, b"\\x" + sketch.hex().encode()):
        assert [key.encoding for key in found(needles, b"\0" + data + b"\1", exact=False)] == ["hash"]
    other = hashlib.blake2b(f"c0ffee\0{text}".encode(), digest_size=16).digest()
    assert not found(needles, other)


@settings(max_examples=40)
@given(before=st.binary(max_size=8), number=st.integers(0, 9), other=st.integers(0, 9))
def test_another_person_whose_id_differs_in_its_last_letter_is_not_found_in_base64(
    before: bytes, number: int, other: int
) -> None:
    needles = Needles([person(f"user-00{number}"), person(f"user-00{other}", request="other")])
    letters = base64.b64encode(before + f'"user-00{number}"'.encode())
    wanted = {"request-1"} if number != other else {"request-1", "other"}
    assert {key.request for key in found(needles, letters)} == wanted


@pytest.mark.parametrize("tail", ["1", "x", "_", "ä"])
def test_another_person_whose_id_begins_alike_is_not_found(tail: str) -> None:
    needles = Needles([person("user-001")])
    for name, write in WRITERS.items():
        data = write(f"user-001{tail}")
        # An escaped letter counts as the end of a word, so that nobody is overlooked.
        if b"user-001%" not in data and b"user-001\\" not in data:
            assert not found(needles, data), name


@pytest.mark.parametrize("head", ["x", "1", "jo"])
def test_another_person_whose_address_ends_alike_is_not_found(head: str) -> None:
    needles = Needles([person(texts=("ann@example.org",))])
    other = f"{head}ann@example.org"
    assert not found(needles, base64.b64encode(f"  {other}".encode()))
    for name, write in WRITERS.items():
        assert not found(needles, write(other)), name


@pytest.mark.parametrize("before", ["%2F", "%252f", "\\n", "\\t", "\\u002f", "/", " ", '"', "=", "%C3%A4%20"])
def test_what_is_escaped_before_an_id_ends_a_word(before: str) -> None:
    assert found(Needles([person("user-001")]), f"{before}user-001".encode())


@pytest.mark.parametrize("text", ["name: ann.", "(user-001)", "user-001?"])
def test_a_text_that_ends_with_no_letter_is_no_part_of_a_longer_word(text: str) -> None:
    for name, write in WRITERS.items():
        assert found(Needles([person(text)]), write(f"{text}x")), name


def test_in_a_file_of_rows_a_letter_beside_an_id_is_the_next_value() -> None:
    needles = Needles([person("user-001")])
    page = b"\x17\x1buser-001ann@example.org\x00"
    assert found(needles, page, exact=False)


def test_a_longer_id_that_rows_have_explains_the_bytes_of_their_file() -> None:
    needles = Needles([person("user-001")])
    assert not found(needles, b'["user-0011"]')
    assert not found(needles, b"\x17user-0011ann@example.org", exact=False)
    assert found(needles, b"\x17user-0012ann@example.org", exact=False)


def test_a_short_id_is_found_only_as_a_whole_value() -> None:
    needles = Needles([person("u1")])
    for data in (b'["u1"]', b"a\tu1\tb", b"user:u1:profile", b"u1"):
        assert found(needles, data)
    for data in (b"menu1", b"u12", b"u1 and", b'"u1x"'):
        assert not found(needles, data)
    assert not found(needles, b"\0u1\0", exact=False)


def test_two_requests_for_one_person_both_learn_of_it() -> None:
    needles = Needles([person("user-001"), person("user-001", request="request-2")], canaries=["a canary"])
    assert {key.request for key in found(needles, b"a canary, user-001")} == {"request-1", "request-2", CANARY}


def test_nothing_shows_what_is_searched_for() -> None:
    identity = person("user-001", texts=("ann@example.org",))
    needles = Needles([identity])
    for shown in (repr(needles), str(needles), repr(identity), needles.masked("user-media/user-001/ann%40example.org")):
        assert "user-001" not in shown
        assert "ann" not in shown
    assert needles.masked("user-media/user-001/a.jpg") == "user-media/…/a.jpg"


@settings(max_examples=40)
@given(
    parts=st.lists(st.sampled_from([b"user-001", b"user-0011", b" ", b"x" * 300, b'"', b"\\", b"user-"]), max_size=30),
    cuts=st.lists(st.integers(0, 900)),
)
def test_pieces_of_any_size_give_the_same(parts: list[bytes], cuts: list[int]) -> None:
    data, needles = b"".join(parts), NEEDLES
    counts = Counts()
    stream = Stream(needles, counts, exact=True)
    begin = 0
    for end in [*sorted(cut for cut in cuts if cut < len(data)), len(data)]:
        stream.feed(data[begin:end])
        begin = end
    stream.close()
    assert counts.keys == found(needles, data)


def test_threads_search_at_once() -> None:
    needles = Needles([person(*(f"user-{n:05}" for n in range(300)))])
    texts = [b" ".join(f"user-{n:05}".encode() for n in range(part, 2_000, 7)) * 20 for part in range(7)]
    alone = [found(needles, text) for text in texts]
    with ThreadPoolExecutor(7) as threads:
        assert list(threads.map(lambda text: found(needles, text), texts)) == alone
