"""An operator at the command line, who does what the last message says. What every room's rules share; no fixtures."""

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from hypothesis import strategies as st

from clearlift_pipelines.cli import land, migrate, refused_lines
from clearlift_pipelines.cli import terminal as cli_terminal
from clearlift_pipelines.stores import Stores
from tests.assets.archive.operations import killed
from tests.clearlift_pipelines.cli.terminal import Said, Terminal

# A command as refusals name it.
NAMED = re.compile(r"`clearlift ([^`]+)`")
# A command that finds a table missing offers the trace too.
MISSING = "makes what is missing\n--verbose shows the trace."
# More commands than this are a circle.
MOST = 8
Choice = TypeVar("Choice")
# Which one of some is drawn as a share of them, because hypothesis plays a prefix of a life again and wants the same
# draws then, while checksums, moments and so numbers of objects differ.
SHARE = st.floats(0, 1, exclude_max=True)


def at(share: float, choices: Sequence[Choice]) -> Choice:
    """The one of some that lies at this share of them."""
    return choices[int(share * len(choices))]


class KeptOpen(Stores):
    """Stores that a command does not close, because the next one works with them too."""

    def __exit__(self, *_: object) -> None:
        """Nothing: the test closes them."""


@dataclass
class Operator:
    """Types commands and reads what they say.

    instead: what is done in the place of a command. by_hand: does what a person does before a command that a message
    names, and gives the words to type. watch: is called after each command, also a killed one.
    """

    terminal: Terminal
    instead: Mapping[str, Callable[[], None]] = field(default_factory=dict)
    by_hand: Callable[[list[str]], Sequence[str]] = list
    watch: Callable[[], object] = lambda: None
    said: Said = field(default_factory=lambda: Said(0, "", ""))
    typed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Let all commands work with the test's own stores, which makes them fast."""
        stores = self.terminal.stores
        stores.__class__ = KeptOpen
        for module in (cli_terminal, land, migrate, refused_lines):
            self.terminal.monkeypatch.setattr(module, "Stores", lambda *_args, **_named: stores)

    def type(self, *words: str, dies_at: int | None = None) -> Said | None:
        """Run a command; None where its process was killed at this step of its I/O. What it refuses has a next step."""
        self.typed = words
        said = self._run(words, dies_at)
        self.watch()
        return said

    def _run(self, words: tuple[str, ...], dies_at: int | None) -> Said | None:
        if words[0] in self.instead:
            self.instead[words[0]]()
            self.said = Said(0, "", "")
            return self.said
        if dies_at is None:
            self.said = self.terminal.clearlift(*words)
        else:
            said: list[Said] = []
            if killed(lambda: said.append(self.terminal.clearlift(*words)), dies_at) is not None:
                return None
            (self.said,) = said
        if self.said.code:
            lines = self.said.err.replace(MISSING, "").splitlines()
            assert len(lines) == 1, (words, self.said)
            (line,) = lines
            assert line.startswith("Error: "), (words, self.said)
            assert ". Next: " in line, (words, self.said)
        return self.said

    def ways(self) -> list[list[list[str]]]:
        """The ways out that the last message names, in its order: between semicolons, each of some commands."""
        _, _, step = self.said.err.partition("Next: ")
        named = (NAMED.findall(way) for way in step.split(";"))
        return [[shlex.split(command) for command in way] for way in named if way]

    def follow(self) -> None:
        """Do what the last message says until it names nothing more: the first way, and where a way ends with the same
        message again, the next one.
        """
        seen: dict[str, int] = {}
        for _ in range(MOST):
            ways = self.ways()
            if not ways:
                return
            tried = seen.get(self.said.err, 0)
            assert tried < len(ways), (self.typed, self.said)
            seen[self.said.err] = tried + 1
            for command in ways[tried]:
                self.type(*self.by_hand(command))
                if self.said.code:
                    break
        raise AssertionError(f"no command leads out: {self.said}")

    def until_good(self, *words: str) -> Said:
        """Run a command, and what its refusals name, until this command goes well."""
        for _ in range(MOST):
            self.type(*words)
            if not self.said.code:
                return self.said
            self.follow()
        raise AssertionError(f"{words} never goes well: {self.said}")
