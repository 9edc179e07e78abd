"""The tables of all commands for a reader: a part of docs/command-line.md, made of the commands' own columns.

`python -m clearlift_pipelines.command_reference` writes it in the folder where it is run.
"""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click

from clearlift_pipelines.cli.tables import Columns
from clearlift_pipelines.page_part import replaced

PAGE = Path("docs/command-line.md")
BEGIN, END = "<!-- tables -->", "<!-- /tables -->"


def every() -> Iterator[Columns]:
    """The columns of every table that a command prints, by command."""
    folder = Path(__file__).parent / "cli"
    modules = [import_module(f"clearlift_pipelines.cli.{file.stem}") for file in sorted(folder.glob("*.py"))]
    found = {id(value): value for module in modules for value in vars(module).values() if isinstance(value, Columns)}
    yield from sorted(found.values(), key=lambda columns: (columns.by, columns.name))


def table() -> str:
    """The tables in Markdown."""
    rows = [
        f"| `clearlift {one.by}` | `{one.name}` | {', '.join(f'`{field}`' for field in one.heads)} |" for one in every()
    ]
    return "\n".join(["| command | table | fields |", "| --- | --- | --- |", *rows])


def in_page(text: str) -> str:
    """The page with the tables of today between its markers."""
    return replaced(text, str(PAGE), BEGIN, END, table())


if __name__ == "__main__":
    PAGE.write_text(in_page(PAGE.read_text()))
    click.echo(f"{PAGE} says all tables.")
