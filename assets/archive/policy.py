"""The policy as people read it: one row an entry, in words. Pure.

What belongs here: the words of an entry. What does not: how they are shown.
"""

from assets.apps import App
from assets.apps.lifecycle import CONDITIONS, Lifecycle


def rows(app: App) -> list[dict[str, str]]:
    """A row an entry, every cell a text."""
    return [_row(app, entry) for entry in app.lifecycles]


def _row(app: App, entry: Lifecycle) -> dict[str, str]:
    archive = entry.archive
    return {
        "app": app.name,
        "store": entry.store,
        "name": entry.name,
        "age by": entry.time or "",
        "key": ", ".join(entry.key),
        "bucket": "" if archive is None else f"{archive.bucket} ({archive.buckets or 'by value'})",
        "hot": _days(entry.hot_days),
        "warm": _days(entry.warm_days),
        "archived after": f"no: {entry.not_archived}" if archive is None else _days(archive.after_days),
        "deleted after": f"kept: {entry.kept}" if entry.delete_after_days is None else _days(entry.delete_after_days),
        "only where": "; ".join(CONDITIONS[name] for name in entry.requires),
        "stays": ", ".join(entry.aggregates),
    }


def _days(days: int | None) -> str:
    return "" if days is None else f"{days} days"
