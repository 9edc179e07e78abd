"""An operator at the command line, who does what the last message says. What every room's rules share; no fixtures."""

import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from clearlift_pipelines.cli import terminal as cli_terminal
from clearlift_pipelines.stores import Stores
from tests.assets.archive.operations import killed
from tests.clearlift_pipelines.cli.terminal import Said, Terminal

# A command as messages name it.
NAMED = re.compile(r"`clearlift ([^`]+)`")
# More commands than this are a circle.
MOST = 8


class KeptOpen(Stores):
    """Stores that a command does not close, because the next one works with them too."""

    def __exit__(self, *_: object) -> None:
        """Nothing: the test closes them."""


@dataclass
class Operator:
    """Types commands and reads what they say.

    answers: what is typed for a word in capitals, such as FILE. watch: is called after each command, also a killed one.
    """

    terminal: Terminal
    answers: dict[str, str] = field(default_factory=dict)
    said: Said = field(default_factory=lambda: Said(0, "", ""))
    typed: tuple[str, ...] = ()
    watch: Callable[[], object] = lambda: None

    def keep_open(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let all commands work with the test's own stores, which makes them fast."""
        stores = self.terminal.stores
        stores.__class__ = KeptOpen
        monkeypatch.setattr(cli_terminal, "Stores", lambda _settings, progress: stores)

    def type(self, *words: str, dies_at: int | None = None) -> Said | None:
        """Run a command; None where its process was killed at this step of its I/O. What it refuses names a command."""
        self.typed = words
        said = self._run(words, dies_at)
        self.watch()
        return said

    def _run(self, words: tuple[str, ...], dies_at: int | None) -> Said | None:
        if dies_at is None:
            self.said = self.terminal.clearlift(*words)
        else:
            said: list[Said] = []
            if killed(lambda: said.append(self.terminal.clearlift(*words)), dies_at) is not None:
                return None
            (self.said,) = said
        if self.said.code:
            assert self.said.err.startswith("Error: "), (words, self.said)
            assert len(self.said.err.splitlines()) == 1, (words, self.said)
            assert "trace" not in self.said.err, (words, self.said)
            assert list(self.named()), (words, self.said)
        return self.said

    def named(self) -> Iterator[list[str]]:
        """The commands that the last message names, in its order."""
        for match in NAMED.findall(self.said.err):
            yield [self.answers.get(word, word) for word in shlex.split(match)]

    def follow(self) -> None:
        """Do what the last message says until a command goes well: the first command that it names, and where that one
        says the same again, the next one.
        """
        seen: dict[str, int] = {}
        for _ in range(MOST):
            if not self.said.code:
                return
            commands = list(self.named())
            tried = seen.get(self.said.err, 0)
            assert tried < len(commands), (self.typed, self.said)
            seen[self.said.err] = tried + 1
            self.type(*commands[tried])
        raise AssertionError(f"no command leads out: {self.said}")

    def until_good(self, *words: str) -> Said:
        """Run a command, and what its refusals name, until this command goes well."""
        for _ in range(MOST):
            self.type(*words)
            if not self.said.code:
                return self.said
            self.follow()
        raise AssertionError(f"{words} never goes well: {self.said}")
