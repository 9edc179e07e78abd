"""What lies in each database, as pictures: docs/stores.md, made from the databases as their migrations make them.

`python -m clearlift_pipelines.store_pictures` writes them in the folder where it is run; it migrates embedded stores of
its own for that. What belongs here: the pictures, in Mermaid. What does not: what columns mean (their comments).
"""

import re
from collections.abc import Callable, Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from assets.apps import APPS
from clearlift_pipelines.page_part import replaced
from clearlift_pipelines.settings import Settings
from clearlift_pipelines.stores import Stores
from resources.sql_files import read_sql

BEGIN, END = "<!-- pictures -->", "<!-- /pictures -->"
PAGE = Path("docs/stores.md")
_NO_WORD = re.compile(r"[ .]")  # Mermaid takes a type of one word
Ask = Callable[[str], list[dict[str, Any]]]


def pictures(stores: Stores) -> str:
    """Every database of migrated stores in Markdown: ours by its schemas, then each app's."""
    parts = ["## Our Postgres", *_by_schema(stores.postgres.fetch)]
    for app in APPS:
        if app.d1_migrations is not None:
            parts += [f"## {app.title}: D1", _picture(*_read(stores.d1(app).query, "d1"))]
        if app.postgres_migrations is not None:
            parts += [f"## {app.title}: Postgres", *_by_schema(stores.app_postgres(app).fetch)]
    return "\n\n".join(parts)


def in_page(text: str, stores: Stores) -> str:
    """The page with the pictures of today between its markers.

    Raises:
        ValueError: the markers are missing.
    """
    return replaced(text, str(PAGE), BEGIN, END, pictures(stores))


def _read(ask: Ask, engine: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    return ask(read_sql(f"pictures/{engine}_keys.sql")), ask(read_sql(f"pictures/{engine}_references.sql"))


def _by_schema(ask: Ask) -> Iterator[str]:
    keys, references = _read(ask, "postgres")

    def schema(row: dict[str, Any]) -> str:
        return str(row["table"]).partition(".")[0]

    for name, of_schema in groupby(keys, schema):
        yield f"### `{name}`"
        yield _picture(list(of_schema), [row for row in references if schema(row) == name])


def _picture(keys: list[dict[str, Any]], references: list[dict[str, Any]]) -> str:
    lines = ["erDiagram"]
    for table, columns in groupby(keys, itemgetter("table")):
        lines.append(f'    "{table}" {{')
        for row in columns:
            marks = ", ".join(mark for mark, has in (("PK", row["in_key"]), ("FK", row["refers"])) if has)
            lines.append(f"        {_NO_WORD.sub('_', row['type'])} {row['column']} {marks}")
        lines.append("    }")
    lines += [f'    "{row["refers_to"]}" ||--o{{ "{row["table"]}" : "{row["columns"]}"' for row in references]
    return "\n".join(["```mermaid", *lines, "```"])


if __name__ == "__main__":
    with TemporaryDirectory() as home:
        chosen = Settings(_env_file=None, home=Path(home))  # type: ignore[call-arg]  # of pydantic-settings, not a field
        with Stores(chosen) as made:
            made.migrate()
            PAGE.write_text(in_page(PAGE.read_text(), made))
    click.echo(f"{PAGE} has the pictures of today.")
