"""Every block of README.md and docs/ says what it is, and every command of one is run by a test, or needs an account.

What stands behind the three backquotes: the language, then what a reader must know: `file=` (the file that the block
is), `engine=` (what runs it), `kind=` (what its data are), `needs=account` (no test can run it).
"""

import json
import re
from pathlib import Path

import click
import pytest
import yaml

from clearlift_pipelines.cli.entry import cli
from tests.pages import Block, blocks, blocks_in, lines

ROOT = Path(__file__).resolve().parents[2]
PAGES = ["../README.md", *sorted(str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md"))]
SHOWN = {"http", "ini", "json", "mermaid", "text", "yaml"}
TYPED = "clearlift_pipelines/cli/test_page_commands.py"
ASKED = "clearlift_pipelines/test_page_queries.py"
OPERATOR = "clearlift_pipelines/cli/test_operator_runbooks.py"
ANALYSTS = "clearlift_pipelines/test_analysts.py"
RUN_BY = {
    "../README.md": {"console": TYPED},
    "adding-an-app.md": dict.fromkeys(("console", "python", "sql"), "house/test_adding_an_app.py"),
    "ads.md": {"bash": ASKED, **dict.fromkeys(("console", "sh", "sql"), TYPED)},
    "analysts.md": {"sql": ANALYSTS, "python": ANALYSTS, "console": "clearlift_pipelines/cli/test_dbt.py"},
    "attribution.md": {"sql": ASKED},
    "cache.md": {"console": TYPED},
    "command-line.md": {"bash": "clearlift_pipelines/cli/test_command_line.py"},
    "growth.md": {"console": TYPED, "sql": ASKED},
    "health.md": {"console": TYPED},
    "lake.md": {"python": "clearlift_pipelines/test_stores.py", "sql": ANALYSTS},
    "landing.md": {"bash": "deploy/test_worker.py", "js": "deploy/tracking.py"},
    "lifecycle.md": {"console": TYPED},
    "media.md": {"console": TYPED},
    "privacy.md": {"console": TYPED, "sql": ASKED},
    "production.md": {"bash": "deploy/test_production_page.py"},
    "recovery.md": {"console": "clearlift_pipelines/cli/test_recovery.py"},
    "runbooks/damaged-archive.md": {"console": "clearlift_pipelines/cli/test_runbooks.py"},
    "runbooks/damaged-lake.md": dict.fromkeys(("console", "sh"), "clearlift_pipelines/cli/test_runbooks.py"),
    "runbooks/failed-migration.md": dict.fromkeys(("console", "sql"), OPERATOR),
    "runbooks/refused-lines.md": {"console": "house/test_refusal_runbooks.py"},
    "runbooks/stuck-fold.md": dict.fromkeys(("console", "sql"), OPERATOR),
    "runbooks/unreadable-batches.md": {"console": "house/test_refusal_runbooks.py"},
    "sealing.md": {"console": TYPED, "js": "resources/keyring/test_worker.py", "sql": ASKED},
    "security.md": {"console": TYPED},
    "sesh.md": {"sql": ASKED},
}
"""The test that runs the blocks of a page, by their language."""
CHOSEN = {
    "DAY": "2026-01-01",
    "D": "2026-01-01",
    "QUARTER": "2026Q1",
    "APP": "clearlift",
    "POSITION": "2026-01-01T12:00",
}
"""What a reader puts in the place of words in capitals, where any word would not do."""


def run_by(page: str, block: Block) -> str:
    """What is wrong with a block, or nothing."""
    if not block.language:
        return "says no language"
    if block.language in SHOWN or block.needs == "account":
        return ""
    if block.needs:
        return f"needs {block.needs}, which is no reason"
    test = RUN_BY.get(page, {}).get(block.language)
    if test is None:
        return f"is run by no test: name it in RUN_BY, or mark the block with needs=account ({block.language})"
    name = Path(page).name
    return "" if name in (ROOT / "tests" / test).read_text() else f"is not run by {test}, which does not name {name}"


@pytest.mark.parametrize("page", PAGES)
def test_every_block_is_run_or_marked(page: str) -> None:
    found = blocks(page)
    fences = re.findall(r"^ *```", (ROOT / "docs" / page).read_text(), re.MULTILINE)
    assert len(fences) == 2 * len(found), "a block does not end, or is not taken apart"
    assert {block.text: why for block in found if (why := run_by(page, block))} == {}
    assert RUN_BY.get(page, {}).keys() <= {block.language for block in found}


def test_a_block_that_nobody_runs_is_found() -> None:
    bare, new, odd, marked, shown = blocks_in(
        "```\nmake\n```\n```console\nclearlift status\n```\n```sh needs=time\nsleep 1\n```\n"
        "```sh needs=account\nnpx x\n```\n```json\n{}\n```\n"
    )
    assert run_by("new.md", bare) == "says no language"
    assert run_by("new.md", new).startswith("is run by no test")
    assert run_by("new.md", odd) == "needs time, which is no reason"
    assert run_by("new.md", marked) == run_by("new.md", shown) == ""


@pytest.mark.parametrize("page", PAGES)
def test_data_can_be_read(page: str) -> None:
    for block in blocks(page):
        if block.language == "json":
            text = re.sub(r"//.*", "", block.text)
            assert json.loads(f"{{{text}}}" if block.kind == "definitions" and not text.startswith("{") else text)
        elif block.language == "yaml":
            assert yaml.safe_load(block.text)
        elif block.language == "ini":
            assert all(re.match(r"[A-Z0-9_]+=\S+$", line) for line in block.text.splitlines()), block.text


# Its app is there only while its own test runs it.
@pytest.mark.parametrize("page", sorted({*PAGES} - {"adding-an-app.md"}))
def test_every_command_is_one_and_takes_what_it_is_given(page: str) -> None:
    for block in blocks(page):
        if block.language == "console":
            for words in lines(block, CHOSEN):
                if Path(words[0]).name == "clearlift":
                    assert refusal(words[1:]) == "", words


def refusal(words: list[str]) -> str:
    """Why the command line does not take these words; files that are not there are no reason."""
    ends = [words.index(end) for end in ("|", "<", "&&") if end in words]
    try:
        context = cli.make_context("clearlift", words[: min(ends, default=len(words))])
        while isinstance(context.command, click.Group):
            name, command, rest = context.command.resolve_command(context, [*context._protected_args, *context.args])
            assert command is not None
            context = command.make_context(name, rest, parent=context)
    except click.exceptions.Exit:
        return ""
    except click.UsageError as error:
        said = error.format_message()
        return "" if re.search("does not exist|No such file", said) else said
    return ""


@pytest.mark.parametrize("words", ["statsu", "status --jsn", "archive verify clearlift", "backup restore a b c"])
def test_a_command_that_is_none_is_found(words: str) -> None:
    assert refusal(words.split()) != ""
