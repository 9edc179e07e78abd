"""Compliance as assets: changes of an app's tables in the audit trail, the trail's daily head, monthly reports.

What belongs here: what Dagster shows. What does not: the work (changes.py, sections.py, assets/audit).
"""

from collections.abc import Iterator

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetExecutionContext,
    AssetsDefinition,
    BackfillPolicy,
    MaterializeResult,
    MetadataValue,
    ResourceParam,
)

from assets.apps import App
from assets.apps.pipelines import PIPELINES
from assets.audit import chain, heads
from assets.compliance import changes, sections
from assets.compliance.report import Report, html, markdown
from assets.description import app_asset, table
from assets.partitions import Calendar, window
from assets.rooms import Rooms
from assets.windows import Window, month_of
from resources.r2 import ObjectStore

CHANGES, REPORT, TRAIL = ("compliance", "changes"), ("compliance", "report"), ("compliance", "trail")
WHOLE, MET = "trail_is_whole", "everything_is_met"
PREFIX = "compliance/"
SHOWN = 5  # faults of a check's text


def changed_rows(app: App) -> AssetsDefinition:
    """The changes of an app's personal tables, in the trail."""

    @app_asset(
        app,
        *CHANGES,
        store="postgres",
        holds=[("postgres", "audit.entries")],
        kinds={"postgres", "python"},
        deps=[[app.name, "d1", table.name] for table in app.changes if table.store == "d1"],
        description="How many personal rows of the application changed, by table, from its change logs.",
        pool="postgres",
    )
    def noted(rooms: ResourceParam[Rooms]) -> MaterializeResult[None]:
        found = changes.follow(rooms, app)
        rows = [{"table": name, "change": kind, "rows": number} for (name, kind), number in sorted(found.items())]
        return MaterializeResult(metadata={"rows": found.total(), "by_table": table(rows)})

    return noted


def trail() -> AssetsDefinition:
    """The audit trail of all apps: verified, and its head put where nobody can write over it."""

    @app_asset(
        PIPELINES,
        *TRAIL,
        store="postgres",
        holds=[("postgres", "audit.entries"), ("r2", "audit/")],
        kinds={"postgres", "cloudflare"},
        description=(
            "The trail of who read or changed personal data. Once a day it is read whole, compared with the heads of"
            " the days before, and its head is put in R2, where nothing is put over it."
        ),
        checks={WHOLE: "No entry was changed, removed, added or moved, and no tail was cut."},
        pool="postgres",
    )
    def kept(rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        now, store = rooms.clock(), rooms.object_store
        done = chain.verify(rooms.postgres, list(heads.heads(store)))
        # Of a trail that is not whole too: what is done to it from now on shows as well.
        is_new = done.head.seq > 0 and heads.put(store, now.date(), done.head)
        yield MaterializeResult(
            metadata={
                "entries": done.entries,
                "heads_compared": done.heads,
                "head_is_new": is_new,
                "faults": len(done.faults),
            },
            check_results=[
                AssetCheckResult(
                    check_name=WHOLE,
                    passed=done.head.seq > 0 and not done.faults,
                    severity=AssetCheckSeverity.ERROR if done.faults else AssetCheckSeverity.WARN,
                    description="; ".join(done.faults[:SHOWN]) or (None if done.entries else "Nothing was noted yet."),
                )
            ],
        )

    return kept


def report(app: App, calendar: Calendar) -> AssetsDefinition:
    """The monthly report of an app."""

    @app_asset(
        app,
        *REPORT,
        store="r2",
        holds=[("r2", PREFIX)],
        kinds={"cloudflare", "html"},
        deps=[[app.name, *CHANGES]] if app.changes else [],
        partitions_def=calendar.monthly,
        backfill_policy=BackfillPolicy.single_run(),
        description=(
            "What must be shown of personal data, by month: retention, requests to be erased, keys, access, choices,"
            f" the audit trail. As HTML and Markdown in R2 under {PREFIX}{app.name}/. It names nobody."
        ),
        checks={MET: "Every section that must be met is met, and nothing of it is unknown."},
        pool="postgres",
    )
    def made(context: AssetExecutionContext, rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        reports = [sections.make(rooms, app, month) for month in months(window(context))]
        for one in reports:
            store(rooms.object_store, app, one)
        newest = reports[-1]
        wanting = [f"{section.title}: {section.says}" for section in newest.wanting]
        yield MaterializeResult(
            metadata={
                "html": f"{place(app, newest)}.html",
                "months": len(reports),
                "not_met": len(wanting),
                "report": MetadataValue.md(markdown(newest)),
            },
            check_results=[
                AssetCheckResult(
                    check_name=MET,
                    passed=not wanting,
                    severity=AssetCheckSeverity.WARN,
                    description=" ".join(wanting) or None,
                )
            ],
        )

    return made


def months(of: Window) -> Iterator[Window]:
    """The calendar months of a window that begins and ends with one."""
    start = of.start
    while start < of.end:
        month = month_of(start.date())
        yield month
        start = month.end


def place(app: App, made: Report) -> str:
    """Where a report lies in R2, without the ending."""
    return f"{PREFIX}{app.name}/{made.month:%Y-%m}"


def store(objects: ObjectStore, app: App, made: Report) -> None:
    """Put a report, in the place of an earlier one of the same month."""
    objects.put(f"{place(app, made)}.md", markdown(made).encode())
    objects.put(f"{place(app, made)}.html", html(made).encode())
