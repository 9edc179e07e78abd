"""The policy as people read it: one row an entry, in words. Pure.

What belongs here: the words of an entry. What does not: how they are shown.
"""

from assets.apps import App
from assets.apps.lifecycle import CONDITIONS, Lifecycle


def rows(app: App) -> list[dict[str, str]]:
    """A row an entry, every cell a text."""
    return [_row(app, entry) for entry in app.lifecycles]


def in_brief(app: App) -> list[dict[str, str]]:
    """The same in two columns, which have room beside each other in the UI."""
    return [_brief(row) for row in rows(app)]


def _brief(row: dict[str, str]) -> dict[str, str]:
    ages = [(words, row[name]) for words, name in (("hot", "hot"), ("warm", "warm"))]
    kept = [f"{words} {age}" for words, age in ages if age]
    archived, deleted = row["archived after"], row["deleted after"]
    kept.append(f"not archived: {archived[4:]}" if archived.startswith("no: ") else f"archived after {archived}")
    kept.append(deleted if deleted.startswith("kept: ") else f"deleted after {deleted}")
    by = f" (by {row['age by']})" if row["age by"] else ""
    only = f" Only where {row['only where']}." if row["only where"] else ""
    stays = f" {row['stays']} stay." if row["stays"] else ""
    return {"what": f"{row['store']}: {row['name']}", "how long": f"{'; '.join(kept)}{by}.{only}{stays}"}


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
