"""A page of the docs, followed as it stands in a copy of the project that has no other change. No fixtures here."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.pages import blocks

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ("assets", "clearlift_pipelines", "resources", "sandbox", "sql", "dagster_home")


class Project:
    """A copy of the project's code, and its command line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in PROJECT:
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.sqlite*"))
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

    def follow(self, page: str) -> str:
        """Run the commands of a page of docs/ in one shell, as somebody pastes them; what they wrote."""
        return self.shell("".join(text for language, _, text in blocks(page) if language == "console"))

    def python(self, script: str) -> str:
        """Run Python in the copy; what it wrote."""
        return subprocess.run(
            [sys.executable, "-c", script],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
