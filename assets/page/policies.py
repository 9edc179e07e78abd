"""The section of policies: how long each kind of data is kept, of what has an age."""

from collections.abc import Sequence

from assets.apps import App
from assets.apps.lifecycle import Lifecycle
from assets.archive.policy import rows
from assets.page.blocks import Column, Section, Table

NAME, TITLE = "policies", "How long data is kept"
SAYS = "What is archived or deleted by its age. What is kept for another reason: clearlift policy."
SHOWN = ("store", "name", "hot", "warm", "archived after", "deleted after", "only where")


def section(apps: Sequence[App]) -> Section:
    """How it is shown: a table an app that opens."""
    return Section(NAME, TITLE, SAYS, [_table(app) for app in apps])


def _table(app: App) -> Table:
    cells = [row for row, entry in zip(rows(app), app.lifecycles, strict=True) if _has_age(entry)]
    kept = len(app.lifecycles) - len(cells)
    caption = f"{app.title}: {len(cells)} with an age, {kept} without"
    return Table(
        caption, [Column(name) for name in SHOWN], [[row[name] for name in SHOWN] for row in cells], folded=True
    )


def _has_age(entry: Lifecycle) -> bool:
    return entry.hot_days is not None or entry.archive is not None or entry.delete_after_days is not None
