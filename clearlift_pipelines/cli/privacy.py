"""`clearlift privacy`: requests to be erased: asked for, shown, cancelled. The export is in privacy_export.py.

What does not belong here: the work (assets/erasure), and how it is said whom a request means (subject.py).
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, get_args

import click

from assets.apps import APPS, App
from assets.apps.personal import Person
from clearlift_pipelines.cli.apps import app_option
from clearlift_pipelines.cli.entry import dagster_home
from clearlift_pipelines.cli.noted import noted
from clearlift_pipelines.cli.privacy_export import OF_ORGANISATION, WHOLE, export
from clearlift_pipelines.cli.subject import subject
from clearlift_pipelines.cli.tables import Column, Columns, plain, printed
from clearlift_pipelines.cli.terminal import Terminal, terminal
from resources.counts import counted
from resources.declined import DeclinedError

if TYPE_CHECKING:
    from assets.erasure.identify import Found
    from assets.erasure.run import Erasure


REQUESTS = ("postgres", "privacy.requests")
SHOWN = Columns(
    "requests",
    "privacy status",
    {
        "app": "app",
        "request": "request",
        "kind": "kind",
        "state": "state",
        "received": "received",
        "deadline": "deadline",
        "waits_until": "waits until",
        "why": "why",
        "receipt": "receipt",
    },
)
STEPS = Columns(
    "steps",
    "privacy status REQUEST",
    {
        "store": "store",
        "rows": "rows",
        "objects": "objects",
        "bytes": "bytes written again",
        "gone_by": Column("gone by", lambda day: plain(day or "now")),
        "at": "at (UTC)",
    },
)


@click.group()
def privacy() -> None:
    """Erase a person or an organisation from every store: ask, look, cancel; or export a person.

    Example: clearlift privacy status
    """


privacy.add_command(export)


@privacy.command()
@app_option(lambda _: True)
@click.option("--kind", type=click.Choice(get_args(Person)), help="Which kind of person, where several have the id.")
@click.option("--organisation", is_flag=True, help="An organisation by its id or tag, with all that is its own.")
@OF_ORGANISATION
@click.option("--except", "left", multiple=True, help="A table that keeps their rows, as d1/name; repeatable.")
@click.option("--because", default="", help="Why these tables keep them; the receipt says it.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The last day; then these rows are erased too.")
@click.option("--confirm", is_flag=True, help="Ask nothing more: what is found will be erased.")
@click.option("--now", is_flag=True, help="Do not wait: erase at once, and prove it.")
def erase(
    app: App,
    kind: Person | None,
    organisation: bool,
    org: str | None,
    left: tuple[str, ...],
    because: str,
    until: datetime | None,
    confirm: bool,
    now: bool,
) -> None:
    """Ask for the erasure of whom you type, or write to standard input: a user id or an e-mail address.

    \b
    Example: clearlift privacy erase --app sesh < the_id.txt
    Example: clearlift privacy erase --app consignment --except d1/consignors --because "accounts" --until 2036-12-31
    """
    from assets.erasure.begin import confirmed, received
    from assets.erasure.exemptions import Exemption
    from assets.erasure.identify import Asked
    from assets.erasure.run import refuse_failed

    if bool(left) != bool(until) or (because and not left):
        raise click.UsageError("--except, --because and --until go together")
    exemption = Exemption(left, because, until.date()) if until is not None else None
    whom = "id or tag of the organisation" if organisation else "user id or e-mail address"
    asked = Asked(subject(whom), kind, organisation, org)
    with terminal() as opened, _erasure(opened, app) as erasure:
        opened.stores.prepare()
        noted(opened.stores, "read", app.name, *WHOLE)
        request, found = received(erasure, asked, "command", exemption=exemption)
        _describe(app, request.id, found)
        if not confirm and not (sys.stdin.isatty() and click.confirm("Erase all of it?", err=True)):
            erasure.requests.cancelled(request, opened.stores.clock())
            raise DeclinedError("nothing was confirmed, so that the request is cancelled", "the same with --confirm")
        # One that waits for nothing is due for the daily job too, should this process be killed.
        request = confirmed(erasure, request, timedelta(0) if now else opened.stores.settings.erasure_wait)
        noted(opened.stores, "changed", app.name, *REQUESTS, rows=1, subject=request.subject_hash.hex())
        if not now:
            click.echo(
                f"It waits until {request.waits_until:%Y-%m-%d %H:%M} UTC, and must be done by "
                f"{request.deadline:%Y-%m-%d}. `clearlift privacy cancel {request.id} --app {app.name}` ends it."
            )
            return
        outcome = erasure.run(at_once=[request.id])
        opened.progress.stop()
        refuse_failed(app, outcome)
        for done in outcome.done:
            click.echo(f"{done.id}: done, and found nowhere; the receipt is {done.receipt}")
            if done.leaves is not None:
                left_there = ", ".join(done.leaves.names)
                click.echo(f"{left_there}: left until {done.leaves.until}, then erased by {done.follow_up}")


@privacy.command()
@click.argument("request", required=False)
@click.option("--app", "app_name", type=click.Choice([app.name for app in APPS]), help="Only this application.")
@printed
def status(request: str | None, app_name: str | None) -> None:
    """Show requests and their deadlines; of one REQUEST also what was done in which store.

    Example: clearlift privacy status 7c0f4e
    """
    from assets.erasure.requests import Requests

    shown, steps = SHOWN.table(), STEPS.table()
    with terminal(makes_keys=False) as opened:
        stores = opened.stores
        for app in APPS:
            if app_name not in (None, app.name):
                continue
            requests = Requests.of(stores, app)
            for one in requests.all():
                if request not in (None, one.id):
                    continue
                shown.add(
                    app=app.name,
                    request=one.id,
                    kind=one.kind,
                    state=one.state,
                    received=one.received_at.date(),
                    deadline=one.deadline.date(),
                    waits_until=one.waits_until if one.state == "waiting" else None,
                    why=one.why,
                    receipt=one.receipt,
                )
                for place, step in requests.steps(one).items() if request else ():
                    done = step.erased
                    steps.add(
                        store=place,
                        rows=done.rows,
                        objects=done.objects,
                        bytes=done.written,
                        gone_by=done.gone_by,
                        at=step.at,
                    )
    if not shown.rows and request is not None:
        raise DeclinedError(f"there is no request {request!r}", "`clearlift privacy status` lists them")
    shown.show("Nobody asked to be erased.")
    if steps.rows:
        steps.show()


@privacy.command()
@click.argument("request")
@app_option(lambda _: True)
def cancel(request: str, app: App) -> None:
    """End a REQUEST that has not begun. Nothing was erased for it.

    Example: clearlift privacy cancel 7c0f4e --app sesh
    """
    from assets.erasure.requests import Requests

    with terminal(makes_keys=False) as opened:
        stores = opened.stores
        requests = Requests.of(stores, app)
        cancelled = requests.cancelled(requests.get(request), stores.clock())
        noted(stores, "changed", app.name, *REQUESTS, rows=1, subject=cancelled.subject_hash.hex())
    click.echo(f"{request} is cancelled; nothing was erased.")


@contextmanager
def _erasure(opened: Terminal, app: App) -> "Iterator[Erasure]":
    """The engine, with the run history that the daemon writes."""
    from dagster import DagsterInstance

    from assets.erasure.assets import erasure_of

    chosen = opened.stores.settings
    dagster_home(chosen)
    kept = chosen.backup_days, chosen.backup_weeks, chosen.backup_months
    with DagsterInstance.get() as instance:
        yield erasure_of(opened.stores, app, kept, instance)


def _describe(app: App, request: str, found: "Found") -> None:
    """What will be erased, in numbers: nothing on the screen names the person."""
    identity = found.identity
    if identity.organisation:
        click.echo(
            f"Request {request}: an organisation of {app.name}, by {counted(len(identity.organisation), 'name')}."
        )
        return
    kinds = ", ".join(f"{counted(len(ids), f'{kind} id')}" for kind, ids in sorted(identity.ids.items()))
    click.echo(f"Request {request}: a person of {app.name}, by {kinds}, in {', '.join(found.tables)}.")
    if found.shared:
        click.echo(f"{counted(found.shared, 'further id')} is shared with others and stays.")
