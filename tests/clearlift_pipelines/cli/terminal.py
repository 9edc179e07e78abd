"""What a person sees of a command: exit code and text."""

import contextlib
import io
from dataclasses import dataclass
from pathlib import Path

import pytest

from clearlift_pipelines.cli import main
from clearlift_pipelines.stores import Stores


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass
class Terminal:
    """A folder to work in; `stores` look into the same stores as the commands."""

    folder: Path
    stores: Stores
    monkeypatch: pytest.MonkeyPatch

    def clearlift(self, *arguments: str) -> Said:
        """Run the command as its entry point does."""
        out, err = io.StringIO(), io.StringIO()
        code = 0
        with self.monkeypatch.context() as patch:
            patch.setattr("sys.argv", ["clearlift", *arguments])
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                try:
                    main()
                except SystemExit as ended:
                    code = int(ended.code or 0)
        return Said(code, out.getvalue(), err.getvalue())

    def good(self, *arguments: str) -> str:
        """Run a command that must go well; what it wrote to standard output."""
        said = self.clearlift(*arguments)
        assert said.code == 0, said
        return said.out

    def refused(self, *arguments: str) -> str:
        """Run a command that must end in exit code 1 and one line of error."""
        said = self.clearlift(*arguments)
        assert said.code == 1, said
        lines = [line for line in said.err.splitlines() if line != "--verbose shows the trace."]
        assert len(lines) == 1, said.err
        assert lines[0].startswith("Error: ")
        return lines[0]
