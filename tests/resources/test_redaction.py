"""The parts of a text that are removed before it is logged or raised, and the parts that stay."""

import pytest

from resources.redaction import redact, route_of


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Bearer abc.def-123 was refused", "abc.def-123"),
        ("see https://x.org/p?access_token=EAAB&b=1 for more", "EAAB"),
        ("access_token: EAAB12", "EAAB12"),
        ('{"client_secret": "s3cr3t"}', "s3cr3t"),
        ("developer-token=dev12", "dev12"),
        ("X-Amz-Signature=0badc0de", "0badc0de"),
        ("no user someone.else+x@mail.example.org", "someone.else"),
        ("key " + "0123456789abcdef" * 4, "0123456789abcdef"),
        ("postgresql://user:pa55@host.example.org/db", "pa55"),
        ("plain hush-hush word", "hush-hush"),
        ("quoted hush%2Fhush word", "hush%2Fhush"),
    ],
)
def test_secrets_are_cut_out(text: str, secret: str) -> None:
    assert secret not in redact(text, ["hush-hush", "hush/hush"])


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
    assert redact(text, ["", "a"]) == text


def test_text_is_one_line_of_bounded_length() -> None:
    assert redact("a\nb\r\n  c") == "a b c"
    assert len(redact("word " * 1_000)) <= 501


def test_a_route_is_host_and_path_alone() -> None:
    assert route_of("https://user:pw@api.example.org:8443/a/b?c=d#e") == "api.example.org:8443/a/b"
    assert route_of("https://api.example.org/a") == "api.example.org/a"
