"""Expected refusals have one form: every command in the text of one stands in backquotes, where a person can copy it.

Tests that follow refusals (tests/operator) look for commands there.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from clearlift_pipelines.cli.entry import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
BARE = re.compile(rf"(?<!`)\bclearlift (?:{'|'.join(COMMANDS)}) (?!is )")


def refusals(file: Path) -> Iterator[tuple[int, str]]:
    """The texts that a file gives to errors, with their lines."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Error"):
            for part in ast.walk(node):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield part.lineno, part.value


def test_commands_of_refusals_stand_in_backquotes() -> None:
    bare = [
        f"{file.relative_to(ROOT)}:{number}: {text}"
        for folder in ("assets", "resources", "clearlift_pipelines")
        for file in sorted((ROOT / folder).rglob("*.py"))
        for number, text in refusals(file)
        if BARE.search(f"{text} ")
    ]
    assert bare == []
