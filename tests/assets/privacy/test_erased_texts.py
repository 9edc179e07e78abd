"""Texts that may name a person who was erased: whole ids are found, longer words are other ids."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.privacy.erased_texts import NamedPeople
from assets.privacy.tombstones import Tombstones, within

GONE = Tombstones.of(
    ("user", "user-17"),
    ("visitor", "ann+shop@mail.example"),
    ("user", "ä user/7"),
    within("acme", "user", "only-there"),
)


@pytest.mark.parametrize(
    ("text", "organisation", "is_named"),
    [
        ("user-17", None, True),
        ("/u/user-17/x", None, True),
        ("user:user-17:page", None, True),
        ("/u/user%2D17?a=b", None, True),
        ("/u/user-171", None, False),
        ("/u/a-user-17", None, False),
        ("to=ann%2Bshop%40mail.example&x", None, True),
        ("mail Ann+Shop@mail.example now", None, True),
        ("/only-there", "acme", True),
        ("/only-there", "bolt", False),
        ("/only-there", None, False),
        ("/%C3%A4%20user%2F7/x", None, True),
        ("", None, False),
    ],
)
def test_a_text_names_by_whole_ids(text: str, organisation: str | None, is_named: bool) -> None:
    assert NamedPeople(GONE).are_in(text, organisation) is is_named


@given(st.from_regex(r"[A-Za-z0-9][\w.@+:~-]{2,30}[A-Za-z0-9]", fullmatch=True), st.sampled_from("/?&=#,; "))
def test_an_id_is_found_between_any_signs(id_: str, sign: str) -> None:
    assert NamedPeople(Tombstones.of(("user", id_))).are_in(f"x{sign}{id_}{sign}y")
