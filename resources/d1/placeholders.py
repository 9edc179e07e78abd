"""The places of a statement's placeholders, by SQLite's own lexical rules. Nothing here refuses or changes SQL."""

import re
import sqlite3
from dataclasses import dataclass
from functools import lru_cache

# Quoted text and comments come first, so that a ? inside them is no placeholder. Identifiers may have a $ inside.
TOKEN = re.compile(
    r"""
      (?P<space>\s+|--[^\n]*|/\*.*?(?:\*/|\Z))
    | (?P<quoted>'(?:[^']|'')*(?:'|\Z) | "(?:[^"]|"")*(?:"|\Z) | `(?:[^`]|``)*(?:`|\Z) | \[[^\]]*(?:\]|\Z))
    | (?P<word>[A-Za-z_\x80-\U0010ffff][\w$]*)
    | (?P<number>\d[\w.]*)
    | \?(?P<placeholder>\d*)
    | (?P<named>[:@$\#]\w+)
    | (?P<end>;)
    | .
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Scan:
    """What is known of a statement from its text.

    `places`: (start, stop, index from 1) of each placeholder in the order of the text. `named`: a placeholder of
    another form. `several`: there is a second statement. `stop`: the end of the statement, before its semicolon.
    """

    places: tuple[tuple[int, int, int], ...]
    first_word: str
    second_word: str
    named: str | None
    several: bool
    writes: bool
    stop: int

    @property
    def indexes(self) -> list[int]:
        return [index for _, _, index in self.places]


WRITING_WORDS = frozenset({"insert", "update", "delete", "replace"})


@lru_cache(maxsize=128)
def scan(sql: str) -> Scan:
    """Read `sql` once. A plain ? gets the number after the largest so far, as in SQLite.

    `writes` is false only for a statement that reads for certain: SELECT, VALUES, EXPLAIN, or WITH without a writing
    word. The function `replace` counts as such a word; then a safe retry is not made.
    """
    places: list[tuple[int, int, int]] = []
    words: set[str] = set()
    first_word = second_word = ""
    named: str | None = None
    ended = several = False
    stop = len(sql)
    largest = 0
    for token in TOKEN.finditer(sql):
        kind = token.lastgroup
        if kind == "space":
            continue
        if kind == "end":
            if not ended and sqlite3.complete_statement(sql[: token.end()]):
                ended, stop = True, token.start()
            continue
        several = several or ended
        if kind == "word":
            word = token.group().lower()
            words.add(word)
            if not first_word:
                first_word = word
            elif not second_word:
                second_word = word
        elif kind == "placeholder":
            number = token.group("placeholder")
            index = int(number) if number else largest + 1
            largest = max(largest, index)
            places.append((token.start(), token.end(), index))
        elif kind == "named":
            named = named or token.group()
    reads = first_word in {"select", "values", "explain"} or (first_word == "with" and not words & WRITING_WORDS)
    return Scan(tuple(places), first_word, second_word, named, several, writes=not reads, stop=stop)
