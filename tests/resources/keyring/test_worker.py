"""A Worker opens what we seal and seals what we open, on Cloudflare's own runtime, by the lines of docs/sealing.md."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from resources.keyring import Keyring, SealError
from resources.keyring.addresses import normalised
from tests.workerd.local_runtime import WorkerCode, running, skip_without_runtime

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "sealing.md").read_text()
LINES = "\n".join(re.findall(r"^```js\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
# Answers a list of calls with a list of their values; null where one is refused.
SERVING = """
export default { async fetch(request) {
  const functions = { seal, open, index, normalised };
  const answer = ([name, ...given]) => Promise.resolve().then(() => functions[name](...given)).catch(() => null);
  return Response.json(await Promise.all((await request.json()).map(answer)));
} };
"""
RING = Keyring({1: bytes(range(32)), 7: bytes(range(7, 39)), 2**32 - 1: b"k" * 32})
VALUES = [
    *("", "a", "\0", "\ufeffbom", "Zürich 🚀 \U0010ffff", "e\u0301 é", "\u2028\u2029"),
    '{"oauth": {"a": "\\u0000"}}',
    "x" * 100_000,
]
PLACES = [
    ("users", "email_encrypted", "user-1"),
    ("sessions", "ip_address_encrypted", ""),
    ("consignors", "phone_encrypted", "7"),
    ("marketing.leads", "name_encrypted", "Zeile 🚀\0"),
]
ADDRESSES = [
    "ann@example.com",
    " \t Ann.Lee+news@EXAMPLE.com\r\n",
    "jo@BÜCHER.example",
    "jo@bu\u0308cher.example",
    "İ@example.com",
    "a@faß.de",
    "a@例え.テスト",
    "a@xn--bcher-kva.example",
    "ΟΔΟΣ@example.com",
    "no address",
    '"a@b"@example.com',
    "a@ex ample.ü",
]

Calls = list[tuple[Any, ...]]
Worker = Callable[[Calls], list[Any]]
pytestmark = pytest.mark.xdist_group("workerd")


@pytest.fixture(scope="module")
def worker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """Calls functions of the page on workerd."""
    skip_without_runtime(request, "the lines of docs/sealing.md")
    folder = tmp_path_factory.mktemp("worker")
    with running(folder, databases=1, namespaces=1, worker=WorkerCode({"w.mjs": LINES + SERVING})) as local:
        yield lambda calls: requests.post(local.url, json=calls, timeout=30).json()


@pytest.fixture(scope="module")
def keys() -> dict[str, str]:
    return keys_of(RING)


def keys_of(ring: Keyring) -> dict[str, str]:
    found: dict[str, str] = json.loads(ring.exported())["keys"]
    return found


def named(place: tuple[str, str, str]) -> dict[str, str]:
    return dict(zip(("table", "column", "row"), place, strict=True))


def test_the_page_is_short() -> None:
    first = re.search(r"^```js\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert first
    assert len(first[1].splitlines()) <= 30


def test_it_opens_what_we_seal_and_we_open_what_it_seals(worker: Worker, keys: dict[str, str]) -> None:
    cases = [(place, value) for place in PLACES for value in VALUES]
    for ring in (RING, RING.without(2**32 - 1)):
        ours = [("open", keys, *place, ring.seal_text(value, **named(place))) for place, value in cases]
        assert worker(ours) == [value for _, value in cases]
        theirs = worker([("seal", keys_of(ring), *place, value) for place, value in cases])
        assert [RING.open_text(sealed, **named(place)) for (place, _), sealed in zip(cases, theirs, strict=True)] == [
            value for _, value in cases
        ]


def test_it_refuses_another_place_key_and_every_flipped_byte(worker: Worker, keys: dict[str, str]) -> None:
    table, column, row = PLACES[0]
    sealed = RING.seal(b"secret", **named(PLACES[0]))
    text = base64.b64encode(sealed).decode()
    flipped = [bytes([*sealed[:n], sealed[n] ^ 1, *sealed[n + 1 :]]) for n in range(len(sealed))]
    calls: Calls = [
        ("open", keys, "invitations", column, row, text),
        ("open", keys, table, "name", row, text),
        ("open", keys, table, column, "user-2", text),
        ("open", keys, table + "email", column.removeprefix("email"), row, text),
        ("open", {"1": keys["1"]}, table, column, row, text),
        *(("open", keys, table, column, row, base64.b64encode(one).decode()) for one in flipped),
    ]
    assert worker(calls) == [None] * len(calls)
    for one in flipped:
        with pytest.raises(SealError):
            RING.open(one, **named(PLACES[0]))


def test_it_makes_the_same_indexes(worker: Worker, keys: dict[str, str]) -> None:
    assert worker([("normalised", address) for address in ADDRESSES]) == [normalised(one) for one in ADDRESSES]
    place = {"table": "users", "column": "email_encrypted"}
    for address in ADDRESSES:
        theirs = worker([("index", keys, i, *place.values(), address) for i in sorted(RING.ids, reverse=True)])
        assert theirs == RING.indexes(normalised(address), **place)


def test_the_vectors_of_the_page_are_true(worker: Worker) -> None:
    ring = Keyring({1: bytes(range(32))})
    sealed = re.findall(r"^\| `(\w+)` \| `(\w+)` \| `([^`]+)` \| (?:`(.*)`)? \| `(A[^`]+)` \|$", PAGE, re.MULTILINE)
    assert len(sealed) == 5
    for table, column, row, value, text in sealed:
        assert ring.open_text(text, table=table, column=column, row=row) == value
        assert worker([("open", keys_of(ring), table, column, row, text)]) == [value]
    indexes = re.findall(r"^\| `(\w+)` \| `(\w+)` \| `([^`]+)` \| `([^`]+)` \| `(1\.[^`]+)` \|$", PAGE, re.MULTILINE)
    assert len(indexes) == 4
    for table, column, address, normal, text in indexes:
        assert normalised(address) == normal
        assert ring.index(normal, table=table, column=column) == text
        assert worker([("index", keys_of(ring), 1, table, column, address)]) == [text]
