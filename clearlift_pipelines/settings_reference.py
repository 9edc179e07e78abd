"""All settings for a reader: README.md's table and `.env.example`, both made of the Settings class.

`python -m clearlift_pipelines.settings_reference` writes both in the folder where it is run.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click

from clearlift_pipelines.page_part import replaced
from clearlift_pipelines.settings import Settings
from clearlift_pipelines.variables import NAMES_OF_TODAY, PREFIX, variable_of

BEGIN, END = "<!-- settings -->", "<!-- /settings -->"


class Variable(NamedTuple):
    """One variable: its name, its default as it would be written (empty: none), what it is for."""

    name: str
    default: str
    meaning: str


def variables() -> Iterator[Variable]:
    """Every variable, in the order of the class. Of those that are a family, the first example stands for all."""
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (None, {}) else str(field.default)
        if isinstance(field.default, bool):
            default = default.lower()
        example = field.examples[0] if field.examples else f"{PREFIX}{name.upper()}"
        today = f"; `{variable_of(NAMES_OF_TODAY[name])}` is the same" if name in NAMES_OF_TODAY else ""
        yield Variable(str(example), default, f"{field.description or ''}{today}")


def table() -> str:
    """The table in Markdown."""
    rows = [f"| `{v.name}` | {f'`{v.default}`' if v.default else ''} | {v.meaning} |" for v in variables()]
    return "\n".join(["| variable | default | meaning |", "| --- | --- | --- |", *rows])


def env_example() -> str:
    """A `.env` file that sets nothing: each variable commented out, with its default."""
    head = "# Copy to .env and fill in the stores that are to be real; without any, all are embedded.\n"
    return head + "".join(f"\n# {v.meaning}\n# {v.name}={v.default}\n" for v in variables())


def in_readme(text: str) -> str:
    """README.md with the table of today between its markers.

    Raises:
        ValueError: the markers are missing.
    """
    return replaced(text, "README.md", BEGIN, END, table())


if __name__ == "__main__":
    readme = Path("README.md")
    readme.write_text(in_readme(readme.read_text()))
    Path(".env.example").write_text(env_example())
    click.echo("README.md and .env.example say all settings.")
