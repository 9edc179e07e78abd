"""One look at everything: every check that can look does, and the ledger keeps it.

What belongs here: the order, and what holds for all checks: a check that fails is a finding too, and what could not be
looked at stays as it was. What does not: any check's own rules.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from assets.apps.pipelines import PIPELINES
from assets.finding import Finding, HealthCheck, Severity
from assets.health import stores
from assets.health.ledger import Ledger, OpenFinding
from assets.health.stores import StoreCheck
from resources.redaction import redact

OWNER = PIPELINES.name
LEDGER_IN = "postgres schema"
"""Without this store nothing can be remembered."""


@dataclass(frozen=True)
class Looked:
    """What is wrong now, with what may pass by itself. recorded: whether the ledger has it; else each is as old as this
    look.
    """

    found: Sequence[OpenFinding]
    recorded: bool


@dataclass
class Look:
    """The engine. store_checks: the stores. checks: what the rooms of all apps brought. clock: now in UTC."""

    store_checks: Sequence[StoreCheck]
    checks: Sequence[HealthCheck]
    ledger: Ledger
    clock: Callable[[], datetime]

    def run(self) -> Looked:
        """Look at the stores, then at all that only they can say."""
        at = self.clock()
        seen = stores.look_at(self.store_checks)
        usable = frozenset(name for name, one in seen.items() if one.error is None)
        away = list(stores.findings(seen))
        unusable = HealthCheck(OWNER, "store", lambda _: away, needs=())
        broken: dict[str, Finding] = {}
        if LEDGER_IN not in usable:
            only = [OpenFinding(OWNER, unusable.name, found, at) for found in away]
            return Looked(only, recorded=False)
        answered = {name: one.milliseconds for name, one in seen.items() if name in usable}
        self.ledger.add_samples("milliseconds", answered, at)
        before = self.ledger.looked()
        # What is open is looked at each time, so that it resolves soon after its command.
        is_open = {(one.app, one.name) for one in self.ledger.open()}
        for check in (unusable, *self.checks):
            last = before.get((check.app, check.name))
            soon = last is not None and at - last < check.every and (check.app, check.name) not in is_open
            if soon or not usable.issuperset(check.needs):
                continue
            try:
                found = list(check.looks(at))
            except Exception as error:  # noqa: BLE001 (what cannot be looked at is not well)
                broken[f"{check.app}/{check.name}"] = _broken(check, error)
                continue
            self.ledger.record(check, found, at)
        failed = HealthCheck(OWNER, "look", lambda _: broken.values(), needs=())
        self.ledger.record(failed, broken.values(), at)
        self.ledger.tidy([unusable, failed, *self.checks], at)
        passing = [
            OpenFinding(OWNER, check.name, found, at)
            for check, all_found in ((unusable, away), (failed, broken.values()))
            for found in all_found
            if found.passes
        ]
        opened = self.ledger.open()
        known = {one.what for one in opened}
        return Looked([*opened, *(one for one in passing if one.what not in known)], recorded=True)


def _broken(check: HealthCheck, error: Exception) -> Finding:
    said = " ".join(redact(str(error)).split())[: stores.LONGEST] or type(error).__name__
    message = f"it could not be looked at: {said}"
    return Finding(
        f"{check.app}/{check.name}", message, stores.LOOK_AGAIN, Severity.CRITICAL, passes=stores.passes(error)
    )
