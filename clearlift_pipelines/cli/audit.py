"""`clearlift audit`: who read or changed personal data, and whether the trail of it is whole.

What belongs here: what people type and read. What does not: the trail itself (assets/audit).
"""

import json
from datetime import UTC, date, datetime, time
from typing import Any

import click

from assets.apps import APPS
from assets.apps.pipelines import PIPELINES
from assets.audit import chain, heads
from assets.audit.chain import Noted
from clearlift_pipelines import settings
from clearlift_pipelines.cli.tables import JSON, Column, Columns, printed, to_the_second
from clearlift_pipelines.stores import Stores
from resources.counts import counted
from resources.declined import DeclinedError
from resources.sql_files import read_sql

APP_NAMES = [app.name for app in (*APPS, PIPELINES)]
ENTRIES = Columns(
    "entries",
    "audit show",
    {
        "entry": Column("entry", str),
        "at": Column("at (UTC)", to_the_second),
        **{name: name for name in ("app", "actor", "work", "act", "store", "place", "columns", "rows", "subject")},
    },
)
DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def audit() -> None:
    """The trail of who read or changed personal data: verify, show.

    Example: clearlift audit show --last 10
    """


@audit.command()
@JSON
def verify(as_json: bool) -> None:
    """Read the whole trail, and name every entry that was changed, removed, added or moved.

    It is compared with its daily heads in R2 too, because a trail that was written again whole fits itself. Exit code 1
    where something is wrong.

    Example: clearlift audit verify --json
    """
    with Stores(settings.load(), makes_keys=False) as stores:
        done = chain.verify(stores.postgres, list(heads.heads(stores.object_store)))
    if as_json:
        found = {"entries": done.entries, "heads": done.heads, "last": done.head.seq, "faults": done.faults}
        click.echo(json.dumps(found, indent=1))
    else:
        for fault in done.faults:
            click.echo(f"wrong: {fault}")
        click.echo(f"{counted(done.entries, 'entry', 'entries')} read, {counted(done.heads, 'head', 'heads')} compared")
    if done.faults:
        raise DeclinedError(
            "the audit trail is not as it was written",
            "keep this database as it is, and compare it with a backup: docs/privacy.md",
        )
    if not done.heads:
        raise DeclinedError(
            "no head of the trail lies in R2, so that a trail that was cut would not show",
            "`clearlift job trail`",
        )


@audit.command()
@click.option("--app", type=click.Choice(APP_NAMES), help="Of one app.")
@click.option("--act", type=click.Choice(["read", "changed"]), help="One kind of act.")
@click.option("--work", help="Of a command or job, by the beginning of its name.")
@click.option("--subject", metavar="HASH", help="About one person, by the hash that a receipt shows.")
@click.option("--from", "since", type=DAY, help="From this day on (UTC).")
@click.option("--to", "until", type=DAY, help="Before this day.")
@click.option("--last", "most", type=click.IntRange(1, 1_000_000), default=50, show_default=True, help="How many.")
@printed
def show(since: datetime | None, until: datetime | None, subject: str | None, **given: Any) -> None:
    """Show entries, the newest last. They say who, where and how much, and hold no value of anybody.

    Example: clearlift audit show --app clearlift --work "clearlift quarantine"
    """
    wanted = {"since": _midnight(since), "until": _midnight(until), "subject": _digits(subject), **given}
    with Stores(settings.load(), makes_keys=False) as stores:
        rows = stores.postgres.fetch(read_sql("audit/shown.sql"), wanted)
    table = ENTRIES.table()
    for noted in (chain.noted_of(row) for row in reversed(rows)):
        table.add(**_fields(noted))
    table.show("Nothing was noted.")


def _fields(noted: Noted) -> dict[str, Any]:
    entry = noted.entry
    return {
        "entry": noted.seq,
        "at": noted.at,
        **{name: getattr(entry, name) for name in ("app", "actor", "work", "act", "store", "place")},
        "columns": list(entry.columns),
        "rows": entry.rows,
        "subject": entry.subject,
    }


def _midnight(day: date | None) -> datetime | None:
    return datetime.combine(day, time(), UTC) if day else None


def _digits(subject: str | None) -> str | None:
    try:
        return subject and bytes.fromhex(subject).hex()
    except ValueError:
        raise click.BadParameter(f"{subject!r} is no hash", param_hint="--subject") from None
