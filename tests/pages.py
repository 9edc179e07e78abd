"""Pages of docs/ as their readers paste them: the one place that takes pages apart. No fixtures here.

What does not belong here: what a page is about, which the test of the page makes first and looks for afterwards.
"""

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tests.clearlift_pipelines.cli.terminal import Said, Terminal

DOCS = Path(__file__).resolve().parents[1] / "docs"
BLOCK = re.compile(r"^( *)```(\w*)([^\n`]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A block of a page: its language, its text, what else stands beside its language.

    file: the file that it is, or empty. engine: what runs it, where its language does not say it. kind: what its data
    are, where a page has several. needs: what a test has not, or empty.
    """

    language: str
    text: str
    file: str = ""
    engine: str = ""
    kind: str = ""
    needs: str = ""


def blocks(page: str) -> list[Block]:
    """The blocks of a page of docs/, in its order."""
    return blocks_in((DOCS / page).read_text())


def blocks_in(text: str) -> list[Block]:
    """The blocks of a part of a page, in its order."""
    return [
        Block(language, text, **dict(each.split("=", 1) for each in beside.split()))
        for _, language, beside, text in BLOCK.findall(text)
    ]


def lines(block: Block, chosen: Mapping[str, str] | None = None) -> list[list[str]]:
    """The commands of a console block, a list of words each.

    chosen: what the reader puts in the place of a word in capitals.
    """
    text = block.text
    for name, value in (chosen or {}).items():
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", value, text)
    return [words for line in text.splitlines() if (words := shlex.split(line, comments=True))]


def typed(terminal: Terminal, *pasted: Block, chosen: Mapping[str, str] | None = None) -> list[Said]:
    """Run each line of console blocks in this process, and how it ended."""
    typed_lines = [line for block in pasted if block.language == "console" for line in lines(block, chosen)]
    return [terminal.clearlift(*words) for _, *words in typed_lines]


def pasted_well(terminal: Terminal, block: Block, chosen: Mapping[str, str] | None = None) -> str:
    """Run each line of a console block, which must go well; what they wrote."""
    ended = typed(terminal, block, chosen=chosen)
    assert [said.code for said in ended] == [0] * len(ended), ended
    return "".join(said.out for said in ended)
