"""A file that a command makes for a person."""

from pathlib import Path
from typing import IO, Any

import click

from resources.declined import DeclinedError


class NewFile(click.File):
    """Opened when the first bytes are written; `-` is standard output. What is there is never overwritten, because it
    may be what a person has made of an earlier one.
    """

    def __init__(self) -> None:
        super().__init__("xb", lazy=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> IO[Any]:
        if isinstance(value, str) and value != "-" and Path(value).exists():
            raise DeclinedError(f"{value} is there already", "name another file, or remove it")
        return super().convert(value, param, ctx)
