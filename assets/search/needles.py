"""What is searched for, compiled, and one pass over bytes, in any thread. Nothing here shows what it searches. Pure.

What belongs here: whether bytes name one of the searched people, or another one whose id begins or ends alike. What
does not: where bytes come from (layers.py, and a module a store).
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from threading import local
from typing import NamedTuple, cast

import hyperscan
from typing_extensions import Buffer

from assets.privacy.identity import Identity
from assets.search import encodings, hashes
from assets.search.encodings import Encoding, Form

# Random bytes hold a given text of six bytes once in 256 TiB. A shorter one counts only as a whole value.
SHORTEST = 6
LONGEST_WORD = 64
CONTEXT = 2 * LONGEST_WORD
MOST_WORDS = 10_000
MOST_DOUBTS = 1_000
CANARY = "canary"
_WORD = re.compile(rb"[0-9A-Za-z_\x80-\xff]*")
_WORD_BEFORE = re.compile(rb"[0-9A-Za-z_\x80-\xff]*\Z")
# What ends a word although its last letter is one: an escaped character that is no letter itself.
_ESCAPE_BEFORE = re.compile(rb"(?:%(?:25)?([0-9A-Fa-f]{2})|\\u([0-9A-Fa-f]{4})|\\[nrtbf])\Z")

_ENDS = (b"", *(bytes([byte]) for byte in b'"\t\n\0:/=&'))


class Key(NamedTuple):
    """What was found: the request that asks for it, how it lay there, and which of the texts it is, as a number."""

    request: str
    encoding: Encoding
    text: int


@dataclass(frozen=True, slots=True, repr=False)
class Doubt:
    """An occurrence in a file of rows, beside letters: the next value's, or those of a longer word.

    before and after: the bytes around.
    """

    pattern: int
    before: bytes
    after: bytes


class Counts:
    """What was found in one thing of a store. doubts: occurrences that are judged when all texts were seen."""

    def __init__(self) -> None:
        self.keys: Counter[Key] = Counter()
        self.doubts: Counter[Doubt] = Counter()

    def __bool__(self) -> bool:
        return bool(self.keys or self.doubts)


@dataclass(frozen=True, slots=True)
class _Pattern:
    """owners: the requests that ask for it, each with the number of its text."""

    data: bytes
    form: Form
    owners: list[tuple[str, int]]


class Needles:
    """All forms of all that names the searched people. The repr shows nothing of them.

    elsewhere: the numbers of texts that name people of other organisations too.
    canaries: texts that are known to lie in a store, each found under the request `CANARY`, as a search that does not
    find one is blind.
    """

    def __init__(
        self, identities: Sequence[Identity], tenants: Iterable[str] = (), canaries: Iterable[str] = ()
    ) -> None:
        tenants, found = tuple(tenants), dict[tuple[bytes, bytes], _Pattern]()
        texts = [(identity.request, text) for identity in identities for text in _texts(identity)]
        for number, (request, text) in enumerate((*texts, *((CANARY, canary) for canary in canaries))):
            for place, form in encodings.encoded(text).items():
                found.setdefault(place, _Pattern(place[0], form, [])).owners.append((request, number))
        numbers = {pair: number for number, pair in enumerate(texts)}
        shared = {(identity.request, text) for identity in identities for text in identity.elsewhere}
        self.elsewhere = frozenset(number for pair, number in numbers.items() if pair in shared)
        for identity in identities:
            for text, digest in _hashes(identity, tenants):
                owner = identity.request, numbers[identity.request, text]
                for data in (digest, digest.hex().encode()):
                    found.setdefault((data, b""), _Pattern(data, Form("hash", len(data)), [])).owners.append(owner)
        self._patterns = [p for p in found.values() if len(p.data) >= SHORTEST or p.form.encoding == "plain"]
        self.longest = max((len(pattern.data) for pattern in self._patterns), default=0)
        self._longer: defaultdict[int, set[tuple[bytes, bytes]]] = defaultdict(set)
        self._database = hyperscan.Database()
        # Memory of one pass over bytes: each thread has its own.
        self._memory = local()
        if self._patterns:
            self._database.compile(
                expressions=[b"".join(b"\\x%02x" % byte for byte in p.data) for p in self._patterns],
                ids=list(range(len(self._patterns))),
                elements=len(self._patterns),
                flags=[0] * len(self._patterns),
            )

    def __repr__(self) -> str:
        return f"Needles(patterns={len(self._patterns)})"

    def count(self, counts: Counts, data: bytes, begin: int, end: int, *, exact: bool) -> None:
        """Count each occurrence that ends in data[begin + 1 : end + 1]. The bytes around are read as its neighbours.

        exact: the data is text, so that a letter beside an id belongs to a longer word, which is somebody else's. In
        other data a letter may be the next value: there a longer word is only one that was seen in a text.
        """
        for number, start, stop in self._occurrences(data):
            if not begin < stop <= end:
                continue
            pattern = self._patterns[number]
            if pattern.form.encoding == "base64" and not encodings.is_said(data, start, pattern.form):
                continue
            before, after = _around(pattern.form, data, start, stop)
            if len(pattern.data) < SHORTEST:
                is_it = exact and _is_whole(data, start, stop)
            elif not before and not after:
                is_it = True
            elif exact:
                is_it = False
                if len(self._longer[number]) < MOST_WORDS:
                    self._longer[number].add((before, after))
            else:
                is_it = len(counts.doubts) >= MOST_DOUBTS
                if not is_it:
                    left, right = data[max(0, start - LONGEST_WORD) : start], data[stop : stop + LONGEST_WORD]
                    counts.doubts[Doubt(number, left, right)] += 1
            if is_it:
                counts.keys.update(self._keys(number))

    def judged(self, counts: Counts) -> Counter[Key]:
        """What was found, with the doubts that no longer word explains. To be called when all texts were seen."""
        judged = Counter(counts.keys)
        for doubt, number in counts.doubts.items():
            words = self._longer[doubt.pattern]
            if not any(doubt.before.endswith(b) and doubt.after.startswith(a) for b, a in words):
                for key in self._keys(doubt.pattern):
                    judged[key] += number
        return judged

    def are_in(self, data: Buffer) -> bool:
        """Whether any of them stands in these bytes, as a part of a longer word too."""
        return bool(self._occurrences(data))

    def name_somebody(self, text: bytes) -> bool:
        """Whether one of them is named in a text, and not only as a part of a longer word."""
        counts = Counts()
        self.count(counts, text, 0, len(text), exact=True)
        return bool(counts.keys)

    def masked(self, name: str) -> str:
        """A name without what is searched for."""
        data = name.encode(errors="surrogatepass")
        hidden = bytearray(data)
        for _, start, stop in self._occurrences(data):
            hidden[start:stop] = b"\0" * (stop - start)
        return re.sub(rb"\0+", "…".encode(), bytes(hidden)).decode(errors="replace")

    def _occurrences(self, data: Buffer) -> list[tuple[int, int, int]]:
        found: list[tuple[int, int, int]] = []
        if not self._patterns:
            return found

        def seen(number: int, _start: int, stop: int, _flags: int, _context: object) -> None:
            found.append((number, stop - len(self._patterns[number].data), stop))

        if not hasattr(self._memory, "scratch"):
            self._memory.scratch = hyperscan.Scratch(self._database)
        # It reads any buffer, which its types do not say.
        self._database.scan(cast(bytes, data), match_event_handler=seen, scratch=self._memory.scratch)
        return found

    def _keys(self, number: int) -> Iterator[Key]:
        pattern = self._patterns[number]
        return (Key(request, pattern.form.encoding, text) for request, text in pattern.owners)


def _around(form: Form, data: bytes, start: int, stop: int) -> tuple[bytes, bytes]:
    """What stands directly before and after an occurrence and makes a longer word of it, as the data has it."""
    before, after = _beside(form, data, start, stop)
    return before if form.begins else b"", after if form.ends else b""


def _beside(form: Form, data: bytes, start: int, stop: int) -> tuple[bytes, bytes]:
    """The letters that stand directly before and after an occurrence."""
    left, right = data[max(0, start - LONGEST_WORD) : start], data[stop : stop + LONGEST_WORD]
    match form.encoding:
        case "hash":
            return b"", b""
        case "base64":
            before, after = encodings.unpacked(data, start, stop, form)
            return left[-2:] if _is_word(before) else b"", right[:3] if _is_word(after) else b""
        case "hex":
            return (
                left[-2:] if _is_word(_of_digits(left[-2:])) else b"",
                right[:2] if _is_word(_of_digits(right[:2])) else b"",
            )
        case "utf-16":
            return (
                left[-2:] if 0 in left[-2:] and _is_word(left[-2:].strip(b"\0")) else b"",
                right[:2] if 0 in right[:2] and _is_word(right[:2].strip(b"\0")) else b"",
            )
    if (escape := _ESCAPE_BEFORE.search(left)) and not _is_letter(escape):
        left = b""
    found, match_ = _WORD_BEFORE.search(left), _WORD.match(right)
    return (found[0] if found else b""), (match_[0] if match_ else b"")


def _is_word(letters: bytes) -> bool:
    return bool(letters) and _WORD.fullmatch(letters) is not None


def _is_whole(data: bytes, start: int, stop: int) -> bool:
    """Whether an occurrence is a whole value of a row, or a whole part of a name."""
    return data[max(0, start - 1) : start] in _ENDS and data[stop : stop + 1] in _ENDS


def _of_digits(pair: bytes) -> bytes:
    """The byte that two hexadecimal digits stand for; nothing where they are none."""
    try:
        return bytes.fromhex(pair.decode("ascii"))
    except ValueError:
        return b""


def _texts(identity: Identity) -> Iterator[str]:
    ids = (subject for subjects in identity.ids.values() for subject in subjects)
    yield from dict.fromkeys((*ids, *identity.organisation))
    for text in identity.texts:
        yield from dict.fromkeys((text, text.lower()))


def _hashes(identity: Identity, tenants: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Each text with its hashes."""
    for kind, subjects in identity.ids.items():
        for subject in subjects:
            yield from ((subject, digest) for digest in hashes.of_person(kind, subject, tenants))
    for text in identity.texts:
        yield from ((text, digest) for digest in hashes.of_text(text))


def _is_letter(escape: re.Match[bytes]) -> bool:
    digits = escape[1] or escape[2]
    return bool(digits) and (chr(int(digits, 16)).isalnum() or int(digits, 16) >= 0x80)
