"""What commands print: tables, lines, and with `--json` the tables as one JSON object.

What belongs here: how a table is shown. What does not: which columns a command's tables have (its own module). All
columns of all commands are in docs/command-line.md, which is made of them.
"""

import io
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import wraps
from typing import Any, ClassVar, NamedTuple, TypeVar

import click
from rich.console import Console
from rich.table import Table as RichTable

R = TypeVar("R")
JSON_HELP = "Print the tables as one JSON object: docs/command-line.md."
JSON = click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
# Wider than any row; a table takes what its cells need.
WIDEST = 100_000


def console() -> Console:
    """What prints lines to standard output."""
    made = Console(highlight=False)
    # FORCE_COLOR makes a pipe coloured, and no terminal of it.
    return made if made.file.isatty() else Console(highlight=False, width=WIDEST)


def plain(value: Any) -> str:
    """A value as people read it: counts with commas, moments to the minute, nothing for None."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M}"
        case list() | tuple():
            return " ".join(map(str, value))
    return str(value)


def to_the_second(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}" if at else ""


def megabytes(size: int | None) -> str:
    return "" if size is None else f"{size / 1e6:,.2f}"


def percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


class Column(NamedTuple):
    """The words above a column, and how its values are shown. JSON has the values themselves."""

    head: str
    shown: Callable[[Any], str] = plain


JSON_ONLY = Column("")
"""A field that only JSON has."""


@dataclass(frozen=True)
class Columns:
    """A kind of table. name: its name in JSON. by: the commands that print it. heads: its columns by their fields."""

    name: str
    by: str
    heads: Mapping[str, str | Column]

    def table(self) -> "Table":
        """A table without rows."""
        return Table(self)

    def column(self, name: str) -> Column:
        found = self.heads[name]
        return Column(found) if isinstance(found, str) else found


@dataclass
class Table:
    """Rows of these columns, on their way to whoever reads them."""

    columns: Columns
    rows: list[Mapping[str, Any]] = field(default_factory=list)

    # The tables of a command that was given --json.
    printed: ClassVar[dict[str, list[Mapping[str, Any]]] | None] = None

    @property
    def is_json(self) -> bool:
        """Whether it would be printed as JSON, so that lines may stand for it otherwise."""
        return Table.printed is not None

    def add(self, **values: Any) -> None:
        """One row: a value for each field."""
        assert values.keys() == self.columns.heads.keys(), values.keys() ^ self.columns.heads.keys()
        self.rows.append(values)

    def show(
        self,
        otherwise: str = "",
        *,
        title: str | None = None,
        without: Sequence[str] = (),
        heads: Mapping[str, str] | None = None,
    ) -> None:
        """Print it; cells are plain text, and none is cut.

        otherwise: printed in its place where it has no row. without: fields that tell nothing here; JSON has them.
        heads: other words above columns.
        """
        if Table.printed is not None:
            Table.printed.setdefault(self.columns.name, []).extend(self.rows)
            return
        if not self.rows and otherwise:
            click.echo(otherwise)
            return
        names = [name for name in self.columns.heads if name not in without and self.columns.heads[name] != JSON_ONLY]
        columns = [self.columns.column(name) for name in names]
        words = [(heads or {}).get(name, column.head) for name, column in zip(names, columns, strict=True)]
        table = RichTable(*words, title=title, title_justify="left", box=None, show_header=any(words))
        for row in self.rows:
            table.add_row(*(column.shown(row[name]) for name, column in zip(names, columns, strict=True)))
        _print(table)


def _print(table: RichTable) -> None:
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


def json_option() -> click.Option:
    """The option of a command that is made without decorators."""
    return click.Option(["--json", "as_json"], is_flag=True, help=JSON_HELP)


def printed(command: Callable[..., R]) -> Callable[..., R]:
    """Gives a command that prints tables the option --json. Then standard output holds nothing else."""
    return JSON(as_told(command))


def as_told(command: Callable[..., R]) -> Callable[..., R]:
    """The command, which takes `as_json` besides."""

    @wraps(command)
    def told(*arguments: Any, as_json: bool, **given: Any) -> R:
        with _as_json() if as_json else nullcontext():
            return command(*arguments, **given)

    return told


@contextmanager
def _as_json() -> Iterator[None]:
    """What the block shows is one JSON object, also where it ends with an error; all else goes to standard error."""
    out, Table.printed = sys.stdout, {}
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        shown, Table.printed = Table.printed, None
        json.dump(shown, out, default=_json, ensure_ascii=False, indent=1)
        out.write("\n")
        out.flush()


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else str(value)
