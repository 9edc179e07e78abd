"""The parts of a text that are removed before it is logged or raised, and the parts that stay."""

import base64
import html
import json
import re
import string
import time
from collections.abc import Callable, Iterator
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from resources.redaction import PIECE, HiddenError, Secrets, named_secrets, redact, route_of
from tests.resources.shown import everything

HUSH = "hush-hush-hush"
SECRETS = Secrets(["hush-hush", "hush/hush", "", "a"])
# As services issue them, and as people think them up.
VALUES = st.one_of(
    st.text(string.ascii_letters + string.digits + "-_.~+/=", min_size=20, max_size=80),
    st.text(string.ascii_letters + string.digits + "@:/?#%&+ \"'\\äß€\n", min_size=12, max_size=40),
).filter(lambda value: len(value.strip()) == len(value))
AROUND = st.text(string.ascii_letters + " :,{}()\n", max_size=30)
ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "URL": lambda value: quote(value, safe=""),
    "path": quote,
    "form": quote_plus,
    "URL in small letters": lambda value: re.sub("%..", lambda code: code[0].lower(), quote(value, safe="")),
    "JSON": lambda value: json.dumps(value)[1:-1],
    "JSON in JSON": lambda value: json.dumps(json.dumps(value)[1:-1])[1:-1],
    "JSON with letters": lambda value: json.dumps(value, ensure_ascii=False)[1:-1],
    "HTML": html.escape,
    "repr": lambda value: repr(value)[1:-1],
}


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Bearer abc.def-123 was refused", "abc.def-123"),
        ("see https://x.org/p?access_token=EAAB&b=1 for more", "EAAB"),
        ("access_token: EAAB12", "EAAB12"),
        ('{"client_secret": "s3cr3t"}', "s3cr3t"),
        (r'"{\"client_secret\": \"s3cr3t\"}"', "s3cr3t"),
        ("{'s3.secret-access-key': 's3cr3t'}", "s3cr3t"),
        ("Authorization: Basic dXNlcjpwYTU1", "dXNlcjpwYTU1"),
        ("host=h password='two words' dbname=d", "words"),
        ("developer-token=dev12", "dev12"),
        ("X-Amz-Signature=0badc0de", "0badc0de"),
        ("no user someone.else+x@mail.example.org", "someone.else"),
        ("key " + "0123456789abcdef" * 4, "0123456789abcdef"),
        ("postgresql://user:pa55@host.example.org/db", "pa55"),
        ("postgresql://user:pa55@localhost/db", "pa55"),
        ("plain hush-hush word", "hush-hush"),
        ("quoted hush%2Fhush word", "hush%2Fhush"),
        ("quoted hush%2fhush word", "hush%2fhush"),
        ("truncated hush-", "hush-"),
        ("-hush truncated", "-hush"),
    ],
)
def test_secrets_are_cut_out(text: str, secret: str) -> None:
    assert secret not in SECRETS.redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "UNIQUE constraint failed: users.email: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_PRIMARYKEY)",
        "near \"selec\": syntax error at offset 0: SQLITE_ERROR",
        "D1 DB is overloaded. Requests queued for too long.",
        "Unrecognized field in the query: 'segments.dat'.",
        "Error validating access token: Session has expired",
    ],
)  # fmt: skip
def test_the_reason_stays_readable(text: str) -> None:
    assert SECRETS.redact(text) == text


def test_text_is_one_line_of_bounded_length() -> None:
    assert redact("a\nb\r\n  c") == "a b c"
    assert len(redact("word " * 1_000)) <= 501


@pytest.mark.parametrize("encoding", ENCODINGS)
@settings(max_examples=30)
@given(value=VALUES, before=AROUND, after=AROUND, data=st.data())
def test_no_piece_of_a_secret_is_left_however_it_is_encoded_and_cut(
    encoding: str, value: str, before: str, after: str, data: st.DataObject
) -> None:
    form = ENCODINGS[encoding](value)
    begin = data.draw(st.integers(0, len(form) - PIECE))
    end = data.draw(st.integers(begin + PIECE, len(form)))
    hidden = Secrets([value]).hide(before + form[begin:end] + after)
    assert not [piece for piece in pieces(form) if piece in hidden]


@settings(max_examples=60)
@given(value=VALUES, user=st.text(string.ascii_letters, max_size=9), data=st.data())
def test_no_piece_of_a_basic_header_is_left(value: str, user: str, data: st.DataObject) -> None:
    header = base64.b64encode(f"{user}:{value}".encode()).decode()
    end = data.draw(st.integers(len(header) // 2, len(header)))
    hidden = Secrets([value]).hide(f"sent Authorization, {header[:end]}")
    # What stands before the secret holds the user alone; a bit of the first letter may be in the last of its letters.
    secret_from = (len(user) + 1) * 8 // 6 + 1
    assert not [piece for piece in pieces(header[secret_from:end]) if piece in hidden]


@settings(max_examples=60)
@given(value=st.text(string.digits, min_size=12), text=st.text(string.ascii_letters + string.punctuation + " \n"))
def test_what_holds_no_piece_of_a_secret_stays(value: str, text: str) -> None:
    assert Secrets([value]).hide(text) == Secrets().hide(text)


def pieces(form: str) -> Iterator[str]:
    return (form[i : i + PIECE] for i in range(len(form) - PIECE + 1))


UNITS = [
    *("-", "?", "@", "%", "a", "a@a.", "://", "hush-hush", "token", "token ", "a_token:", "bearer "),
    *('token="', '"token\\'),
]


@pytest.mark.parametrize("unit", UNITS)
def test_the_time_grows_with_the_length_alone(unit: str) -> None:
    # 16 times the text: 16 times the time where it is linear, 256 times where it is quadratic.
    short, long = (best(unit * (letters // len(unit))) for letters in (4_096, 65_536))
    assert long / short < 64


@settings(max_examples=15)
@given(unit=st.text("-?@=:.,'\"\\ /%_&toknea", min_size=1, max_size=7))
def test_no_repeated_text_takes_long(unit: str) -> None:
    short, long = (best(unit * (letters // len(unit))) for letters in (1_024, 16_384))
    assert long / short < 64


def best(text: str) -> float:
    """CPU seconds, the least of some tries: the others were disturbed."""
    taken = []
    for _ in range(3):
        begun = time.thread_time()
        SECRETS.redact(text)
        taken.append(time.thread_time() - begun)
    return min(taken)


class Answer(BaseModel):
    """What a client expects of a service."""

    number: int


def failing(text: str) -> None:
    """Raises what clients raise: one error from another, a third one on the way, all with the same text."""
    try:
        try:
            Answer.model_validate({"number": text})
        except ValueError as error:
            raise OSError(text) from error
    except OSError as error:
        error.add_note(text)
        try:
            raise KeyError(text)
        except KeyError:
            raise LookupError({"sent": text}) from None


def test_an_error_is_cleaned_with_all_that_it_was_raised_from() -> None:
    with pytest.raises(LookupError) as raised:
        Secrets([HUSH]).kept(failing)(f"sent {HUSH}")
    assert "hush-hush" not in everything(raised.value)
    # The reason is there, and where it happened.
    assert "sent [redacted]" in everything(raised.value)
    assert raised.traceback[-1].name == "failing"


def test_an_error_whose_text_is_fixed_is_replaced() -> None:
    with pytest.raises(HiddenError, match="ValidationError: 1 validation error for Answer") as raised:
        Secrets([HUSH]).kept(Answer.model_validate)({"number": f"sent {HUSH}"})
    assert "hush-hush" not in everything(raised.value)


def test_secrets_of_a_form_are_known_by_their_names() -> None:
    form = {"grant_type": "refresh_token", "client_secret": "one", "refresh_token": "two", "client_id": "three", "n": 1}
    assert [*named_secrets(form)] == ["one", "two"]
    assert repr(Secrets(["hush-hush"])) == "Secrets()"


def test_a_route_is_host_and_path_alone() -> None:
    assert route_of("https://user:pw@api.example.org:8443/a/b?c=d#e") == "api.example.org:8443/a/b"
    assert route_of("https://api.example.org/a") == "api.example.org/a"
