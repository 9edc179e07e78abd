"""Whether stores can be used: reachable, migrated, writable; how large they are, and how quickly they answer.

What belongs here: one look at one store, which says how it stands or raises. What does not: which stores there are by
the settings (clearlift_pipelines/store_checks.py), and remembering (ledger.py).
"""

import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from assets.apps import App
from assets.apps.pipelines import PROBES
from assets.finding import Finding, Severity
from resources import migrations
from resources.counts import counted
from resources.declined import DeclinedError
from resources.kv import KV, Entry
from resources.migrations import State
from resources.postgres import Postgres
from resources.r2 import ObjectStore
from resources.redaction import redact

if TYPE_CHECKING:
    from assets.lake_tables import AppTable
    from resources.lake import Lake

# A sensor has 60 s for all of its work.
SECONDS = 20.0
LONGEST = 400  # characters of a reason
COMMAND = re.compile(r"`([^`]+)`")
LOOK_AGAIN = "clearlift doctor"
PROBE, PROBE_SECONDS = "doctor:written", 86_400


class UnansweredError(DeclinedError):
    """A store took too long."""

    retryable = True


@dataclass(frozen=True)
class StoreCheck:
    """One store by its name: `look` gives a line on how it stands, and raises where it cannot be used.

    needs: the store without which there is nothing to look at.
    """

    name: str
    look: Callable[[], str]
    needs: str = ""


@dataclass(frozen=True)
class Seen:
    """How a store stands: its line, or the error that says why it cannot be used; and how long the look took."""

    said: str
    error: Exception | None
    milliseconds: float


def look_at(checks: Sequence[StoreCheck], seconds: float = SECONDS) -> Mapping[str, Seen]:
    """Every store at once, by name. One that does not answer in time counts as one that cannot be used.

    A store whose need cannot be used is left out: its line would be that of the other, after the same wait.
    """
    seen: dict[str, Seen] = {}
    usable = {""}
    waiting = list(checks)
    while ready := [check for check in waiting if check.needs in usable]:
        seen |= _together(ready, seconds)
        usable |= {name for name, one in seen.items() if one.error is None}
        waiting = [check for check in waiting if check.name not in seen]
    return {check.name: seen[check.name] for check in checks if check.name in seen}


def findings(seen: Mapping[str, Seen]) -> Iterator[Finding]:
    """What cannot be used."""
    for name, one in seen.items():
        if one.error is not None:
            yield _finding(name, one.error)


def _together(checks: Sequence[StoreCheck], seconds: float) -> dict[str, Seen]:
    seen: dict[str, Seen] = {}

    def run(check: StoreCheck) -> None:
        began = time.perf_counter()
        said, error = "", None
        try:
            said = check.look()
        except Exception as raised:  # noqa: BLE001 (any fault of a store is an answer)
            error = raised
        seen[check.name] = Seen(said, error, (time.perf_counter() - began) * 1000)

    # Threads that nobody waits for at the end of the process, because a request may hang for minutes.
    threads = [threading.Thread(target=run, args=(check,), daemon=True) for check in checks]
    until = time.monotonic() + seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    late = Seen("", UnansweredError(f"it did not answer within {seconds:g} s", f"`{LOOK_AGAIN}`"), seconds * 1000)
    return {check.name: seen.get(check.name, late) for check in checks}


def _finding(name: str, error: Exception) -> Finding:
    text = redact(str(error) or type(error).__name__)
    command = COMMAND.search(error.next_step) if isinstance(error, DeclinedError) else None
    return Finding(
        name,
        " ".join(text.split())[:LONGEST],
        command[1] if command else LOOK_AGAIN,
        Severity.CRITICAL,
        passes=passes(error),
    )


def passes(error: Exception) -> bool:
    """Whether the next look may go well: not where a store answered, and what it has is wrong or missing."""
    return not isinstance(error, DeclinedError) or error.retryable


def postgres(client: Postgres) -> str:
    """A Postgres database."""
    with client.connection() as connection:
        connection.execute("create temporary table writable (x int) on commit drop")
    return f"{client.address}: reachable, writable"


def objects(store: ObjectStore) -> str:
    """R2."""
    can_write_objects(store)
    return f"{store.uri()}: reachable, writable"


def backups(store: ObjectStore, prefix: str, *, apart: bool) -> str:
    """Where backups lie; apart: in a bucket of their own."""
    can_write_backups(store, prefix)
    beside = "" if apart else ", in the bucket that they are copies of"
    return f"{store.uri(prefix)}: reachable, writable{beside}"


def lake(opened: "Lake", app: App) -> str:
    """The lake tables of an app."""
    # Not for those who look at no lake: it brings pyiceberg along.
    from assets.lake_tables import lake_tables

    return "; ".join(_lake_table(opened, table) for table in lake_tables(app))


def _lake_table(opened: "Lake", table: "AppTable") -> str:
    if not opened.exists(table.spec):
        raise DeclinedError(f"{table.title} is missing", "`clearlift migrate up` makes it")
    found = opened.table(table.spec)
    carried = found.examined()
    place = f"{table.title}: {found.load().metadata.location}"
    return f"{place}; others changed: {', '.join(carried)}" if carried else place


def migrated(applied: migrations.AppliedMigrations, folder: str) -> str:
    """The migrations of a database."""
    standing = migrations.status(applied, folder)
    drifted = [f"{s} {s.drift}" for s in standing if s.drift]
    if drifted:
        raise migrations.MigrationError(f"sql/{folder}: {'; '.join(drifted)}", "`clearlift migrate status`")
    pending = [s for s in standing if s.state is State.PENDING]
    if pending:
        said = f"{counted(len(pending), 'migration')} pending, the first {pending[0]}"
        raise DeclinedError(said, "`clearlift migrate up`")
    return f"{counted(len(standing), 'migration')} applied"


def kv(namespace: KV, now: datetime, written_every: timedelta) -> str:
    """A KV namespace: read at each look, and written so rarely, because 1,000 writes a day are free, and more cost.

    The key that is read holds when it was written last, so that a write that failed is tried again by the next look.
    """
    written = namespace.get(PROBE)
    if written is None or now - datetime.fromisoformat(written.decode()) >= written_every:
        can_write_kv(namespace, now)
    return "reachable, writable"


def can_write_objects(store: ObjectStore) -> None:
    """Put and delete an object; the store's own error where it cannot."""
    key = f"{PROBES}/{uuid.uuid4()}"
    store.put(key, b"ok")
    store.delete(key)


def can_write_backups(store: ObjectStore, prefix: str) -> None:
    """Put an object that stays, because a lock of the bucket may forbid to delete; the store's own error where it
    cannot.
    """
    store.put_if_absent(f"{prefix}/writable", b"ok")


def can_write_kv(namespace: KV, now: datetime) -> None:
    """Put the key of the looks; the store's own error where it cannot."""
    namespace.put_many([Entry(PROBE, now.isoformat().encode(), ttl=PROBE_SECONDS)])
