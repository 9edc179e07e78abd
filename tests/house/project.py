"""A page of the docs, followed as it stands in a copy of the project that has no other change. No fixtures here."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.pages import blocks

ROOT = Path(__file__).resolve().parents[2]
# Reads a line of a page, runs it, and answers with exit code and text.
ONE_BY_ONE = """
import contextlib, io, json, runpy, shlex, sys
from clearlift_pipelines.cli import main

for line in sys.stdin:
    sys.argv = shlex.split(json.loads(line))
    code, said = 0, io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            main() if sys.argv[0] == "clearlift" else runpy.run_path(sys.argv[1])
        except SystemExit as end:
            code = end.code or 0
    print(json.dumps([code, said.getvalue()]), flush=True)
"""
PROJECT = ("assets", "clearlift_pipelines", "resources", "sandbox", "sql", "dagster_home")


class Project:
    """A copy of the project's code, and its command line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in PROJECT:
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("*.sqlite*"))
        binaries = folder / "bin"
        binaries.mkdir()
        command = "from clearlift_pipelines.cli import main; main()"
        (binaries / "clearlift").write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{command}" "$@"\n')
        (binaries / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        for binary in binaries.iterdir():
            binary.chmod(0o755)
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("CLEARLIFT_", "DAGSTER_"))}
        self.environment = {
            **clean,
            "PATH": f"{binaries}:{os.environ['PATH']}",
            "PYTHONPATH": str(folder),
            "CLEARLIFT_HOME": str(folder / "home"),
            "COLUMNS": "200",
        }

    def shell(self, script: str) -> str:
        """Run lines as the page has them; each must go well. What they wrote."""
        done = subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    @contextmanager
    def typed(self) -> Iterator[Callable[[str], str]]:
        """Runs lines that are `clearlift …` or `python FILE` in one process, because a start takes seconds; each must
        go well. What they wrote.
        """
        with subprocess.Popen(
            [sys.executable, "-c", ONE_BY_ONE],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:

            def run(line: str) -> str:
                assert process.stdin is not None
                assert process.stdout is not None
                print(json.dumps(line), file=process.stdin, flush=True)
                code, said = json.loads(process.stdout.readline())
                assert code == 0, f"{line}\n{said}"
                return str(said)

            yield run

    def follow(self, page: str) -> str:
        """Run the commands of a page of docs/ in one shell, as somebody pastes them; what they wrote."""
        return self.shell("".join(text for language, _, text in blocks(page) if language == "console"))
