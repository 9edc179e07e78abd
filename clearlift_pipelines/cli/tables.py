"""Tables and lines as commands print them: folded to the width of a terminal, whole lines for a file or a pager."""

import io

import click
from rich.console import Console
from rich.table import Table

# Wider than any row; a table takes what its cells need.
WIDEST = 100_000


def show(table: Table) -> None:
    """Print it; cells are plain text."""
    terminal = Console(highlight=False, markup=False)
    if terminal.is_terminal:
        terminal.print(table)
        return
    whole = io.StringIO()
    Console(file=whole, width=WIDEST, highlight=False, markup=False).print(table)
    for line in whole.getvalue().splitlines():
        click.echo(line.rstrip())
