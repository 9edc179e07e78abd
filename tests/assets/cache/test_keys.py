"""Keys: one of each row and template, and no value that makes another's."""

import json
import subprocess
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.cache.keys import fields, filled
from tests.workerd.local_runtime import NODE

VALUES = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(VALUES, VALUES)
def test_no_value_leaves_its_place(one: str, two: str) -> None:
    key = filled("user:{id}:journal:{entry}", {"id": one, "entry": two})
    start, first, middle, second = key.split(":")
    assert (start, unquote(first), middle, unquote(second)) == ("user", one, "journal", two)
    assert key.isascii()
    assert "/" not in key


def test_fields_are_found_in_their_order() -> None:
    assert fields("user:{userId}:journal:{id}") == ["userId", "id"]
    assert fields("strains:list") == []
    assert filled("strain:{id}", {"id": 7, "other": None}) == "strain:7"
    with pytest.raises(KeyError):
        filled("strain:{id}", {"name": "x"})


def test_javascript_makes_the_same_key() -> None:
    signs = "".join(map(chr, range(1, 128))) + "é\u00a0ß漢😀{id}"
    script = f"encodeURIComponent({json.dumps(signs)})"
    node = subprocess.run([NODE, "-p", script], stdout=subprocess.PIPE, text=True, check=True)
    assert filled("{id}", {"id": signs}) == node.stdout.rstrip("\n")
