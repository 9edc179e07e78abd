"""Tables and lines as commands print them: folded to the width of a terminal, whole lines for a file or a pager."""

import io

import click
from rich.console import Console
from rich.table import Table

# Wider than any row; a table takes what its cells need.
WIDEST = 100_000


def console() -> Console:
    """What prints lines to standard output."""
    made = Console(highlight=False)
    # FORCE_COLOR makes a pipe coloured, and no terminal of it.
    return made if made.file.isatty() else Console(highlight=False, width=WIDEST)


def show(table: Table) -> None:
    """Print it; cells are plain text, and none is cut."""
    for column in table.columns:
        column.overflow = "fold"
    terminal = Console(highlight=False, markup=False)
    if terminal.file.isatty():
        terminal.print(table)
        return
    whole = io.StringIO()
    Console(file=whole, width=WIDEST, highlight=False, markup=False).print(table)
    for line in whole.getvalue().splitlines():
        click.echo(line.rstrip())
