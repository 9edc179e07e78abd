"""Pages of docs/ as their readers paste them: the one place that takes pages apart. No fixtures here.

What does not belong here: what a page is about, which the test of the page makes first and looks for afterwards.
"""

import re
import shlex
from pathlib import Path
from typing import NamedTuple

from tests.clearlift_pipelines.cli.terminal import Said, Terminal

DOCS = Path(__file__).resolve().parents[1] / "docs"
BLOCK = re.compile(r"^```(\w+)(?: file=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A block of a page: its language, the file that it is (or empty), its text."""

    language: str
    file: str
    text: str


def blocks(page: str) -> list[Block]:
    """The blocks of a page of docs/, in its order."""
    return blocks_in((DOCS / page).read_text())


def blocks_in(text: str) -> list[Block]:
    """The blocks of a part of a page, in its order."""
    return [Block(*found) for found in BLOCK.findall(text)]


def typed(terminal: Terminal, *pasted: Block) -> list[Said]:
    """Run each line of console blocks in this process, and how it ended."""
    lines = [line for block in pasted if block.language == "console" for line in block.text.splitlines()]
    return [terminal.clearlift(*shlex.split(line)[1:]) for line in lines]


def pasted_well(terminal: Terminal, block: Block) -> str:
    """Run each line of a console block, which must go well; what they wrote."""
    ended = typed(terminal, block)
    assert [said.code for said in ended] == [0] * len(ended), ended
    return "".join(said.out for said in ended)
