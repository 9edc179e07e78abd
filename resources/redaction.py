"""Removal of secrets, personal data and query strings from the text of a log or an error. Pure.

What belongs here: what a secret looks like in a text, whole, encoded or cut, and which words announce one. Each step
reads a text once, so that the time grows with its length alone: the text may come from a stranger.
"""

import base64
import html
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from urllib.parse import quote, quote_plus, urlsplit

P = ParamSpec("P")
T = TypeVar("T")

CUT = "[redacted]"
MAX_TEXT = 500
SHORTEST = 4  # characters of a secret; a shorter one would take words out of every sentence
# So many characters of a secret that stand together are a part of it. Fewer are, at the ends of a text that was cut.
PIECE = 8
NAMES = r"(?:token|secret|password|passwd|signature|api[_-]?key|access[_-]?key|authorization)"
VALUE = r"(?:\"[^\"]*\"|'[^']*'|[^\s&,;]+)"
LABELLED = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        (r"(\?)[^\s\"'<>=?]*=[^\s\"'<>]*", rf"\1{CUT}"),  # a query string
        (r"(://)[^\s\"'<>@/]*@", rf"\1{CUT}@"),  # user and password of an address
        (r"(bearer )\S+", rf"\1{CUT}"),
        (r"(basic )[a-z0-9+/_-]{8,}=*", rf"\1{CUT}"),
        (rf"({NAMES}\s*=\s*){VALUE}", rf"\1{CUT}"),
        (rf"({NAMES}\\*[\"']\s*:\s*\\*[\"'])[^\"'\\]+", rf"\1{CUT}"),
        # Before a colon only a name with _ or -, because "access token: Session has expired" is prose.
        (rf"(?<=\w[_-])({NAMES}:\s*)\S+", rf"\1{CUT}"),
        # An e-mail address. It is looked for at the beginning of a word alone: from each letter would be n² steps.
        (r"(?<![^\s@\"'<>(),;:])[^\s@\"'<>(),;:]+@[^\s@\"'<>(),;:]+\.\w+", CUT),
    )
)
NAMED = re.compile(NAMES, re.IGNORECASE)
LONG = re.compile(r"\b[A-Za-z0-9_\-+/=.]{40,}")  # a token, a signature, a hash
BASE64_WORD = re.compile(r"[A-Za-z0-9+/_-]{8,}=*")


class HiddenError(Exception):
    """In the place of an error whose own text must not be shown: its type, and at most its text without secrets."""


class Secrets:
    """Values that no text may show: plain, or encoded for a URL, JSON, HTML or HTTP's Basic method; whole or cut."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        known = {value for value in values if len(value) >= SHORTEST}
        forms = {form for value in known for form in _forms(value)}
        self._short = sorted((form for form in forms if len(form) < PIECE), key=len, reverse=True)
        self._pieces = frozenset(piece for form in forms for piece in _pieces(form))
        self._base64 = frozenset(piece for value in known for form in _in_base64(value) for piece in _pieces(form))
        lengths = range(PIECE - 1, SHORTEST - 1, -1)
        self._heads = frozenset(form[:n] for form in forms for n in lengths)
        self._tails = frozenset(form[-n:] for form in forms for n in lengths)

    def __repr__(self) -> str:
        return "Secrets()"

    def hide(self, text: str) -> str:
        """`text` without the secrets, and without what a word before it says to be one."""
        text = self._without_known(text)
        for pattern, replacement in LABELLED:
            text = pattern.sub(replacement, text)
        return text

    def redact(self, text: str) -> str:
        """As `hide`, also without all that looks like a secret, on one line, of at most 500 characters."""
        text = " ".join(LONG.sub(CUT, self.hide(text)).split())
        return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"

    def cleaned(self, error: BaseException) -> BaseException:
        """The error without secrets in its text and its notes, and in all that it was raised from.

        It is the same object, so that who catches it by its type still does; a HiddenError where its text is fixed.
        """
        return self._cleaned(error, {})

    def kept(self, call: Callable[P, T]) -> Callable[P, T]:
        """A function whose errors are `cleaned`."""

        @wraps(call)
        def keeping(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                return call(*args, **kwargs)
            except Exception as error:  # noqa: BLE001 (it is raised again)
                cleaned = self.cleaned(error)
            # Not in the block above: there a HiddenError would be chained to what it hides.
            raise cleaned

        return keeping

    def _cleaned(self, error: BaseException, seen: dict[int, BaseException]) -> BaseException:
        if id(error) in seen:
            return seen[id(error)]
        hidden = self.hide(str(error))
        found = error
        if any(self.hide(text) != text for text in (str(error), repr(error))):
            error.args = (hidden,)
        if self.hide(str(error)) != str(error):
            found = HiddenError(f"{type(error).__name__}: {hidden}").with_traceback(error.__traceback__)
        seen[id(error)] = found
        if hasattr(error, "__notes__"):
            found.__notes__ = [self.hide(str(note)) for note in error.__notes__]
        cause, context, suppressed = error.__cause__, error.__context__, error.__suppress_context__
        found.__cause__ = cause and self._cleaned(cause, seen)
        found.__context__ = context and self._cleaned(context, seen)
        found.__suppress_context__ = suppressed
        return found

    def _without_known(self, text: str) -> str:
        hidden = bytearray(len(text))
        for begin, end in self._spans(text):
            hidden[begin:end] = b"x" * (end - begin)
        parts, at = [], 0
        for match in re.finditer(b"x+", hidden):
            parts += [text[at : match.start()], CUT]
            at = match.end()
        return "".join([*parts, text[at:]])

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Where the secrets stand; spans may overlap."""
        if self._pieces:
            yield from ((i, i + PIECE) for i, piece in enumerate(_pieces(text)) if piece in self._pieces)
            # The whole word: at the ends of a piece stand letters that are made of the secret and its neighbour.
            words = BASE64_WORD.finditer(text)
            yield from (word.span() for word in words if any(piece in self._base64 for piece in _pieces(word[0])))
        for short in self._short:
            yield from (match.span() for match in re.finditer(re.escape(short), text))
        for n in range(SHORTEST, min(PIECE, len(text))):
            if text[:n] in self._tails:
                yield 0, n
            if text[-n:] in self._heads:
                yield len(text) - n, len(text)


NOTHING = Secrets()


def redact(text: str) -> str:
    """`text` without all that looks like a secret, on one line, of at most 500 characters."""
    return NOTHING.redact(text)


def named_secrets(values: Mapping[str, Any] | None) -> Iterator[str]:
    """The texts among `values` whose name says that they are secret: a form's, a query's, a JSON object's."""
    return (value for name, value in (values or {}).items() if isinstance(value, str) and NAMED.search(name))


def route_of(url: str) -> str:
    """Host and path of a URL, without user, password and query string."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.hostname or ''}{port}{parts.path}"


def _pieces(form: str) -> Iterator[str]:
    return (form[i : i + PIECE] for i in range(len(form) - PIECE + 1))


def _forms(value: str) -> Iterator[str]:
    """A secret as texts have it, itself and as one line."""
    once = (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
    yield from (value, " ".join(value.split()), repr(value)[1:-1], html.escape(value))
    yield from (*once, once[0].replace("/", "\\/"), json.dumps(once[0])[1:-1])
    for quoted in (quote(value, safe=""), quote(value), quote_plus(value)):
        yield from (quoted, re.sub(r"%[0-9A-F]{2}", lambda code: code[0].lower(), quoted))


def _in_base64(value: str) -> Iterator[str]:
    """What a secret is in base64, after any text: of three bytes four letters are made, so it may begin at three."""
    data = value.encode(errors="replace")
    for offset in range(3):
        letters = base64.b64encode(bytes(offset) + data).decode()
        whole = letters[(offset * 8 + 5) // 6 : (offset + len(data)) * 8 // 6]
        yield from (whole, whole.replace("+", "-").replace("/", "_"))
