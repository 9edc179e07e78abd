"""A page of the docs, followed as it stands in a copy of the project that has no other change. No fixtures here."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.pages import blocks

ROOT = Path(__file__).resolve().parents[2]
# Runs what `clearlift …`, `python FILE` and `python -c TEXT` ask for, each in turn, in one process.
SERVER = """
import contextlib, io, json, runpy, socket, sys
from clearlift_pipelines.cli import main

def run(command, *arguments):
    if command == "clearlift":
        sys.argv = [command, *arguments]
        main()
    elif arguments[0] == "-c":
        exec(arguments[1], {"__name__": "__main__"})
    else:
        runpy.run_path(arguments[0], run_name="__main__")

server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
print("ready", flush=True)
while True:
    asked, _ = server.accept()
    with asked, asked.makefile("rw") as lines:
        code, out, err = 0, io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                run(*json.loads(lines.readline()))
            except SystemExit as end:
                code = end.code or 0
        lines.write(json.dumps([code, out.getvalue(), err.getvalue()]))
"""
CLIENT = """
import json, socket, sys
asked = socket.socket(socket.AF_UNIX)
asked.connect(sys.argv[1])
with asked, asked.makefile("rw") as lines:
    lines.write(json.dumps(sys.argv[2:]) + "\\n")
    lines.flush()
    code, out, err = json.load(lines)
sys.stdout.write(out)
sys.stderr.write(err)
sys.exit(code)
"""
PROJECT = ("assets", "clearlift_pipelines", "resources", "sandbox", "sql", "dagster_home")


class Project:
    """A copy of the project's code, and its command line while it is `served`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in PROJECT:
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("*.sqlite*"))
        self.binaries = folder / "bin"
        self.binaries.mkdir()
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("CLEARLIFT_", "DAGSTER_"))}
        self.environment = {
            **clean,
            "PATH": f"{self.binaries}:{os.environ['PATH']}",
            "PYTHONPATH": str(folder),
            "CLEARLIFT_HOME": str(folder / "home"),
            "COLUMNS": "200",
        }

    @contextmanager
    def served(self) -> Iterator[None]:
        """One process for all commands of the block, because the start of each takes seconds."""
        # A socket's path is short.
        with tempfile.TemporaryDirectory(prefix="clearlift-page-") as folder:
            socket = f"{folder}/socket"
            for name in ("clearlift", "python"):
                self.put_command(name, f'exec "{sys.executable}" -I -S -c \'{CLIENT}\' "{socket}" {name} "$@"')
            with subprocess.Popen(
                [sys.executable, "-c", SERVER, socket],
                cwd=self.folder,
                env=self.environment,
                stdout=subprocess.PIPE,
                text=True,
            ) as process:
                try:
                    assert process.stdout is not None
                    assert process.stdout.readline() == "ready\n"
                    yield
                finally:
                    process.kill()

    def put_command(self, name: str, script: str) -> None:
        """Put a shell script where the shell looks for commands first."""
        (self.binaries / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.binaries / name).chmod(0o755)

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

    def follow(self, page: str) -> str:
        """Run the commands of a page of docs/ in one shell, as somebody pastes them; what they wrote."""
        return self.shell("".join(block.text for block in blocks(page) if block.language == "console"))
