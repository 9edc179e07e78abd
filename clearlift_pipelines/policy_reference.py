"""The ages of the policy for a reader: the table of docs/lifecycle.md, made from the apps' data.

`python -m clearlift_pipelines.policy_reference` writes it in the folder where it is run. What belongs here: that table.
What does not: the policy itself (assets/apps).
"""

from collections.abc import Iterator
from pathlib import Path

import click

from assets.apps import APPS
from assets.apps.lifecycle import Lifecycle
from clearlift_pipelines.page_part import replaced

BEGIN, END = "<!-- policy -->", "<!-- /policy -->"
PAGE = Path("docs/lifecycle.md")
HEADINGS = ("app", "store", "name", "hot", "warm", "archived beyond", "deleted beyond", "only where", "largest share")


def entries() -> Iterator[tuple[str, Lifecycle]]:
    """Every entry with an age, and its app."""
    for app in APPS:
        for entry in app.lifecycles:
            if entry.hot_days is not None or entry.archive is not None or entry.delete_after_days is not None:
                yield app.name, entry


def table() -> str:
    """The table in Markdown."""
    rows = [f"| {' | '.join(_cells(app, entry))} |" for app, entry in entries()]
    return "\n".join([f"| {' | '.join(HEADINGS)} |", f"|{' --- |' * len(HEADINGS)}", *rows])


def in_page(text: str) -> str:
    """The page with the table of today between its markers.

    Raises:
        ValueError: the markers are missing.
    """
    return replaced(text, str(PAGE), BEGIN, END, table())


def _cells(app: str, entry: Lifecycle) -> tuple[str, ...]:
    return (
        app,
        entry.store,
        f"`{entry.name}`",
        _days(entry.hot_days),
        _days(entry.warm_days),
        _days(entry.archive.after_days) if entry.archive else "",
        "never" if entry.delete_after_days is None else _days(entry.delete_after_days),
        ", ".join(entry.requires),
        "" if entry.delete_after_days is None else f"{entry.largest_share:.0%}",
    )


def _days(days: int | None) -> str:
    return "" if days is None else "at once" if days == 0 else f"{days} days"


if __name__ == "__main__":
    PAGE.write_text(in_page(PAGE.read_text()))
    click.echo(f"{PAGE} has the ages of today.")
