"""A sealed field opens only in its own row and column with its own key."""

import base64
import hashlib
import json
import pickle
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.keyring import Keyring, KeySetError, SealError, load, load_or_make, parse, replace
from resources.keyring.addresses import normalised, plain_hash

OLD = {1: bytes(range(32))}
KEY, OTHER_KEY = (base64.b64encode(bytes(n + i for i in range(32))).decode() for n in (7, 70))
PLACE = {"table": "platform_connections", "column": "settings_encrypted", "row": "org-1-google-7"}


@given(value=st.binary(max_size=300), row=st.text(max_size=20))
def test_what_is_sealed_opens(value: bytes, row: str) -> None:
    ring = Keyring(OLD)
    sealed = ring.seal(value, table="t", column="c", row=row)
    assert ring.open(sealed, table="t", column="c", row=row) == value
    assert sealed[:5] == b"\x01\x00\x00\x00\x01"
    assert len(sealed) == 5 + 12 + len(value) + 16


@pytest.mark.parametrize("moved", ["table", "column", "row"])
def test_a_value_in_another_place_does_not_open(moved: str) -> None:
    ring = Keyring(OLD)
    sealed = ring.seal(b"secret", **PLACE)
    with pytest.raises(SealError):
        ring.open(sealed, **{**PLACE, moved: "elsewhere"})


def test_neighbouring_names_are_not_confused() -> None:
    sealed = Keyring(OLD).seal(b"x", table="ab", column="c", row="d")
    with pytest.raises(SealError):
        Keyring(OLD).open(sealed, table="a", column="bc", row="d")
    with pytest.raises(SealError):
        Keyring(OLD).open(sealed, table="ab", column="cd", row="")


def test_every_flipped_byte_is_refused() -> None:
    ring = Keyring(OLD)
    sealed = ring.seal(b"a refresh token", **PLACE)
    for position in range(len(sealed)):
        damaged = bytearray(sealed)
        damaged[position] ^= 0x01
        with pytest.raises(SealError):
            ring.open(bytes(damaged), **PLACE)
    for length in range(len(sealed)):
        with pytest.raises(SealError):
            ring.open(sealed[:length], **PLACE)


def test_another_key_is_refused_and_an_old_one_reads_after_rotation() -> None:
    sealed = Keyring(OLD).seal(b"x", **PLACE)
    with pytest.raises(SealError, match="key 1, which is not in the key set"):
        Keyring({2: bytes(32)}).open(sealed, **PLACE)
    with pytest.raises(SealError):
        Keyring({1: bytes(32)}).open(sealed, **PLACE)
    rotated = Keyring({**OLD, 2: bytes(32)})
    assert rotated.open(sealed, **PLACE) == b"x"
    assert rotated.is_old(sealed)
    again = rotated.seal(b"x", **PLACE)
    assert not rotated.is_old(again)
    with pytest.raises(SealError):
        Keyring(OLD).open(again, **PLACE)


def test_columns_have_keys_of_their_own_and_nonces_do_not_repeat() -> None:
    ring = Keyring(OLD)
    assert len({ring.seal(b"x", **PLACE)[5:17] for _ in range(500)}) == 500
    assert ring._cipher(1, "t", "a") is not ring._cipher(1, "t", "b")


def test_text_goes_in_and_out() -> None:
    ring = Keyring(OLD)
    sealed = ring.seal_text("Zürich 🚀", **PLACE)
    assert ring.open_text(sealed, **PLACE) == "Zürich 🚀"
    with pytest.raises(SealError, match="not a sealed value"):
        ring.open_text('{"oauth": {}}', **PLACE)


def test_no_key_is_shown_or_written() -> None:
    key = base64.b64encode(OLD[1]).decode()
    ring = Keyring(OLD)
    assert "ids=[1]" in repr(ring)
    for shown in (repr(ring), str(ring), f"{ring!r}"):
        assert key[:8] not in shown
        assert OLD[1].hex()[:8] not in shown
    with pytest.raises(TypeError):
        pickle.dumps(ring)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"keys": {}}',
        '{"keys": {"1": "c2hvcnQ="}}',
        json.dumps({"keys": {"0": base64.b64encode(bytes(32)).decode()}}),
        '{"keys": {"a": 1}}',
        100_000 * "[",
        100_000 * '{"keys":',
        '{"keys": {"1": ' + 100_000 * "[",
        *(f'{{"keys": {{"1": "{KEY}", "{again}": "{OTHER_KEY}"}}}}' for again in ("1", "01", " 1")),
        f'{{"keys": {{"1": "{KEY}"}}, "keys": {{"2": "{OTHER_KEY}"}}}}',
    ],
)
def test_a_bad_key_set_is_one_clear_error(text: str) -> None:
    with pytest.raises(KeySetError) as refused:
        parse(text)
    assert len(str(refused.value)) < 100
    assert not any(key[:8] in str(refused.value) for key in (KEY, OTHER_KEY))


def test_the_first_key_is_made_once_and_read_by_nobody_else(tmp_path: Path) -> None:
    path = tmp_path / "home" / "keyring.json"
    rings: list[Keyring] = []
    threads = [threading.Thread(target=lambda: rings.append(load_or_make(path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(rings) == 8
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["keyring.json"]
    sealed = rings[0].seal(b"x", **PLACE)
    assert all(ring.open(sealed, **PLACE) == b"x" for ring in rings)
    assert list(json.loads(path.read_text())["keys"]) == ["1"]


def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "keyring.json"
    load_or_make(path)
    path.chmod(0o644)
    with pytest.raises(KeySetError, match="chmod 600"):
        load(path)
    with pytest.raises(KeySetError, match="no-such"):
        load(tmp_path / "no-such.json")


@given(
    values=st.lists(st.tuples(st.text(max_size=20), st.text(max_size=50)), max_size=20),
    keys=st.sets(st.integers(1, 2**32 - 1), min_size=1, max_size=3),
)
def test_a_page_is_sealed_and_opened_as_single_values_are(values: list[tuple[str, str]], keys: set[int]) -> None:
    ring = Keyring({key: key.to_bytes(32, "big") for key in keys})
    place = {"table": "t", "column": "c"}
    page = ring.seal_texts(values, **place)
    assert [ring.open_text(text, **place, row=row) for (row, _), text in zip(values, page, strict=True)] == [
        value for _, value in values
    ]
    single = [(row, ring.seal_text(value, **place, row=row)) for row, value in values]
    assert ring.open_texts(single, **place) == [value for _, value in values]
    nonces = [base64.b64decode(text)[5:17] for text in page]
    assert len(set(nonces)) == len(nonces)


def test_a_page_refuses_what_single_values_refuse() -> None:
    ring = Keyring({**OLD, 2: bytes(32)})
    place = {"table": "t", "column": "c"}
    good, other = ring.seal_texts([("a", "x"), ("b", "y")], **place)
    for pairs in ([("a", good), ("a", other)], [("a", good), ("b", other[:-4])], [("a", "no base64!")]):
        with pytest.raises(SealError):
            ring.open_texts(pairs, **place)
    with pytest.raises(SealError, match="key 2, which is not in the key set"):
        ring.without(2).open_texts([("a", good)], **place)
    flipped = bytearray(base64.b64decode(good))
    for position in range(len(flipped)):
        flipped[position] ^= 0x80
        with pytest.raises(SealError):
            ring.open_texts([("a", base64.b64encode(flipped).decode())], **place)
        flipped[position] ^= 0x80


def test_an_index_finds_a_value_by_each_key_in_its_own_column() -> None:
    ring = Keyring(OLD).with_new_key()
    place = {"table": "users", "column": "email_encrypted"}
    assert ring.indexes("a@x.example", **place) == [
        ring.index("a@x.example", **place),
        Keyring(OLD).index("a@x.example", **place),
    ]
    assert ring.index("a@x.example", **place).startswith("2.")
    assert len({ring.index("a", table=t, column=c) for t, c in (("ab", "c"), ("a", "bc"), ("abc", ""))}) == 3
    assert ring.without(1).ids == {2}


@pytest.mark.parametrize(
    ("address", "normal"),
    [
        (" Ann.Lee+news@EXAMPLE.com\r\n", "ann.lee+news@example.com"),
        ("jo@bu\u0308cher.example", "jo@xn--bcher-kva.example"),
        ("e\u0301@x.example", "é@x.example"),
        ("\u00a0a@x.example", "\u00a0a@x.example"),
        ("nobody", "nobody"),
        ("a@ü..example", "a@ü..example"),
    ],
)
def test_addresses_have_one_form(address: str, normal: str) -> None:
    assert normalised(address) == normal
    assert normalised(normal) == normal
    assert plain_hash(address) == hashlib.sha256(normal.encode()).hexdigest()


def test_a_file_of_keys_is_replaced_whole_and_only_by_who_saw_it(tmp_path: Path) -> None:
    path = tmp_path / "keyring.json"
    ring = load_or_make(path)
    replace(path, ring, ring.with_new_key())
    assert (set(load(path).ids), path.stat().st_mode & 0o777) == ({1, 2}, 0o600)
    with pytest.raises(KeySetError, match="changed it meanwhile"):
        replace(path, ring, ring.with_new_key())
    assert [p.name for p in tmp_path.iterdir()] == ["keyring.json"]
    rings: list[object] = []

    def change() -> None:
        before = load(path)
        try:
            replace(path, before, before.with_new_key())
        except KeySetError as error:
            rings.append(error)

    threads = [threading.Thread(target=change) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert load(path).newest == 2 + 8 - len(rings)
