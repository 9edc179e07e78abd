"""Erasures as assets: requests and their deadlines, and what was carried out, with its receipts.

What belongs here: what Dagster shows; nothing of it names a person. What does not: the work (application.py, run.py).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetExecutionContext,
    AssetsDefinition,
    DagsterInstance,
    MaterializeResult,
    ResourceParam,
)

from assets.apps import App
from assets.backups.covered import target_of
from assets.backups.erased import remember
from assets.description import app_asset, table
from assets.erasure import application, receipt
from assets.erasure.deadlines import NEAR
from assets.erasure.request import Request
from assets.erasure.run import Erasure, refuse_failed
from assets.erasure.run_history import RunHistoryEraser
from assets.erasure.taken_up import taken_up
from assets.privacy.requests_table import has_requests
from assets.rooms import Rooms
from assets.search.certify import search

REQUESTS, ERASURES = ("privacy", "requests"), ("privacy", "erasures")
IN_TIME = "no_request_is_late"


def erasure_of(rooms: Rooms, app: App, kept_backups: tuple[int, int, int], instance: DagsterInstance) -> Erasure:
    """The engine, with the search over all stores and Dagster's own storage."""
    return Erasure(
        rooms,
        app,
        lambda stores, of, identities: search(stores, of, identities, instance),
        kept_backups,
        (RunHistoryEraser(instance),),
    )


def build(app: App, wait: timedelta, kept_backups: tuple[int, int, int]) -> list[AssetsDefinition]:
    """The two assets of an app."""

    @app_asset(
        app,
        *REQUESTS,
        store="postgres",
        holds=[("postgres", "privacy.requests")],
        kinds={"postgres", "python"},
        description=(
            "Requests of people and organisations to be erased, with their deadlines. What the application put into its"
            " own database is taken over here, and told what became of it."
        ),
        checks={IN_TIME: f"No open request is beyond its deadline, or within {NEAR.days} days of it."},
        pool="postgres",
    )
    def requests(context: AssetExecutionContext, rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        erasure = erasure_of(rooms, app, kept_backups, context.instance)
        # Before what the application asks for: it is answered with the states that are taken up.
        again = taken_up(rooms, app)
        taken = application.take_over(erasure, wait) if has_requests(app) else []
        found = erasure.requests.all()
        remembered = remember(rooms.postgres, target_of(rooms))
        yield MaterializeResult(
            metadata={
                "taken_over": len(taken),
                "taken_up_again": again,
                "tombstones_of_notes": remembered,
                "states": table([{"state": s, "requests": n} for s, n in Counter(r.state for r in found).items()]),
                "open": table([_shown(request) for request in found if request.is_open]),
            },
            check_results=[_in_time(rooms, [request for request in found if request.is_open])],
        )

    @app_asset(
        app,
        *ERASURES,
        store="r2",
        holds=[("r2", receipt.PREFIX)],
        kinds={"python", "cloudflare"},
        deps=[[app.name, *REQUESTS]],
        description=(
            "Requests whose time has come are carried out together, in every store; then the bytes of all stores are"
            f" searched. Where nothing is found a receipt is put under {receipt.PREFIX}{app.name}/."
        ),
        pool="postgres",
    )
    def erasures(context: AssetExecutionContext, rooms: ResourceParam[Rooms]) -> MaterializeResult[None]:
        erasure = erasure_of(rooms, app, kept_backups, context.instance)
        outcome = erasure.run()
        if has_requests(app):
            application.take_over(erasure, wait)
        refuse_failed(app, outcome)
        stores = [
            {
                "request": request.id,
                "store": place,
                "rows": step.erased.rows,
                "objects": step.erased.objects,
                "bytes written again": step.erased.written,
                "gone by": str(step.erased.gone_by or ""),
            }
            for request in outcome.done
            for place, step in erasure.requests.steps(request).items()
        ]
        receipts = [{"request": request.id, "receipt": request.receipt} for request in outcome.done]
        return MaterializeResult(
            metadata={"done": len(outcome.done), "stores": table(stores), "receipts": table(receipts)}
        )

    return [requests, erasures]


def _in_time(rooms: Rooms, found: Sequence[Request]) -> AssetCheckResult:
    now = rooms.clock()
    late = [request for request in found if request.deadline <= now]
    near = [request for request in found if now < request.deadline <= now + NEAR]
    said = [f"{request.id} was due {request.deadline:%Y-%m-%d}" for request in late]
    said += [f"{request.id} is due {request.deadline:%Y-%m-%d} and {request.state}" for request in near]
    return AssetCheckResult(
        check_name=IN_TIME,
        passed=not said,
        severity=AssetCheckSeverity.ERROR if late else AssetCheckSeverity.WARN,
        description="; ".join(said) or None,
        metadata={"late": len(late), "near": len(near)},
    )


def _shown(request: Request) -> dict[str, str]:
    return {
        "request": request.id,
        "state": request.state,
        "received": f"{request.received_at:%Y-%m-%d}",
        "deadline": f"{request.deadline:%Y-%m-%d}",
        "why": request.why,
    }
