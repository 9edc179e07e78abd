"""Whom a line names, also where it is damaged, packed, or of an organisation that erased nobody."""

import base64
import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.apps.clearlift import APP
from assets.apps.personal import Subject
from assets.apps.pipelines_personal import EVENT_RECORD
from assets.privacy.erased_lines import LineFields, names_erased, object_names_erased, without_erased
from assets.privacy.tombstones import Tombstones, within
from resources.r2 import FolderObjectStore

GONE = Tombstones.of(("user", "gone"), within("a3f7c2", "user", "only there"))
SUBJECTS = APP.holding("r2", "landing/events/").tombstoned
FIELDS = LineFields(SUBJECTS, EVENT_RECORD.impersonal_columns)


def line(**fields: object) -> bytes:
    return json.dumps(fields).encode()


@pytest.mark.parametrize(
    ("text", "is_named"),
    [
        (line(user_id="gone", org_tag="b8e9d1"), True),
        (line(user_id="gone"), True),
        (line(user_id="gone-by", anonymous_id="gone"), False),
        (line(user_id="only there", org_tag="a3f7c2"), True),
        (line(user_id="only there", org_tag="b8e9d1"), False),
        (line(user_id="only there"), False),
        (b'{"user_id" : "go\\u006ee", cut', True),
        (b'[{"user_id": "x"}, {"user_id":"gone"}]', True),
        (b"gone", False),
        (b"\xff\xfe", False),
    ],
)
def test_a_line_names_by_its_fields(text: bytes, is_named: bool) -> None:
    assert names_erased(text, SUBJECTS, GONE) is is_named


def test_nobody_was_erased() -> None:
    assert not names_erased(line(user_id="gone"), SUBJECTS, Tombstones({}))


@given(st.text(max_size=30).filter(str.isprintable), st.booleans())
def test_any_id_is_found_in_json_however_it_is_escaped(id_: str, ascii_only: bool) -> None:
    text = json.dumps({"user_id": id_}, ensure_ascii=ascii_only).encode(errors="surrogatepass")
    subjects: list[Subject] = [("user", "content.user_id")]
    assert names_erased(text, subjects, Tombstones.of(("user", id_)))
    assert not names_erased(text, subjects, Tombstones.of(("user", f"{id_}x")))


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("size", [1, 1_000_000, 3_000_000])
def test_an_object_is_looked_through_in_pieces(tmp_path: Path, packed: bool, size: int) -> None:
    store = FolderObjectStore(tmp_path)
    for name, user in (("named", "gone"), ("other", "here")):
        text = b'[{"note": "' + b"x" * size + b'", ' + line(user_id=user)[1:] + b", cut"
        store.put(name, gzip.compress(text)[:-4] if packed else text)
    assert object_names_erased(store, "named", SUBJECTS, GONE)
    assert not object_names_erased(store, "other", SUBJECTS, GONE)
    assert not object_names_erased(store, "missing", SUBJECTS, GONE)


def test_lines_of_refused_bytes_and_of_one_organisation_go() -> None:
    kept = line(line=1, reason="wrong_type", raw=base64.b64encode(line(user_id="here")).decode())
    gone = line(line=2, reason="wrong_type", raw=base64.b64encode(line(user_id="gone")).decode())
    assert without_erased(b"\n".join([kept, gone]), FIELDS, GONE) == (kept, 1)
    landed = [line(user_id="only there", org_tag=tag) for tag in ("a3f7c2", "b8e9d1")]
    assert without_erased(b"\n".join(landed), FIELDS, GONE) == (landed[1], 1)


def test_a_line_of_somebody_else_that_names_an_erased_person_has_another_text() -> None:
    named = line(
        user_id="here", page_path="/users/gone/x", event_type="gone", event_data={"by": ["gone"]}, event_value=7
    )
    escaped = rb'{"user_id":"here","page_path":"/by/go\u006ee"}'
    same = line(user_id="here", page_path="/users/gone-by/x", org_tag="b8e9d1", event_label="only there")
    refused = line(line=1, reason="wrong_type", raw=base64.b64encode(b'{"user_id":"here","n":"/gone"').decode())
    other_refused = line(line=2, reason="wrong_type", raw=base64.b64encode(line(user_id="here")).decode())
    content, changed = without_erased(
        b"\n".join([named, escaped, same, refused, other_refused, b"no json"]), FIELDS, GONE
    )
    assert changed == 3
    first, second, *rest = content.split(b"\n")
    assert rest == [same, other_refused, b"no json"]
    after = json.loads(first)
    assert after["page_path"].startswith("erased-")
    assert {**after, "page_path": ""} == {**json.loads(named), "page_path": "", "event_data": "{}"}
    assert json.loads(second)["page_path"].startswith("erased-")
    assert without_erased(content, FIELDS, GONE) == (content, 0)
