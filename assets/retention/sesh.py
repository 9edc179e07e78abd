"""The yearly pruning of Sesh's detail: sessions and points that are sealed go, their metrics stay as they are.

In this order, so that a kill anywhere is made good by the next run: metrics are kept and proved, up to the youngest
quarter that is sealed; rows go, each where it is equal to its archived one; partitions that are left without rows go,
with the registry and the view; media of the sessions go.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from assets.apps import App
from assets.apps.lifecycle import Condition, Lifecycle
from assets.archive.quarters import Quarter
from assets.progress import Progress, silent
from assets.retention import share
from assets.retention.d1 import PAGE, settle_left, why, why_not
from assets.retention.d1_sealed import SealedRows, Tables, nothing
from assets.retention.eligible import due
from assets.retention.ledger import Ledger
from assets.retention.outcome import Order, Outcome
from assets.retention.proof import DAMAGED, UNSEALED, Proof
from assets.retention.sesh_media import PrunedMedia
from assets.retention.sesh_partitions import drop_empty, rows_of
from assets.sesh import registry
from assets.sesh.families import POINTS, SESSIONS, Family
from assets.sesh.grains import GRAINS
from assets.sesh.keep import DifferingMetricsError, StaleMetricsError, check_before, keep_before
from assets.sesh.metrics import Metrics
from assets.sesh.places import KEPT_BEFORE, kept_before
from resources.d1 import D1, Statement
from resources.d1.pace import Pace
from resources.d1.times import moment
from resources.postgres import Postgres
from resources.r2 import ObjectStore

PROVED: frozenset[Condition] = frozenset({"sealed", "reconciled", "summarised"})
# Every pruned row marks its hour, and the hour is kept as it is.
_UNMARKED = Statement(f"delete from stale_metrics where grain = 'hourly' and windowStart < {KEPT_BEFORE}")


@dataclass
class Pruned:
    """What a run did: an outcome a family, the partitions that were dropped, the objects of media that went, and the
    midnight before which metrics are kept as they are.
    """

    outcomes: list[Outcome]
    dropped: list[str] = field(default_factory=list)
    media: int = 0
    kept_before: str | None = None


@dataclass
class _Side:
    """One family in a run: how many rows each quarter has that is old enough, and the quarters that may go."""

    family: Family
    proof: Proof
    outcome: Outcome
    old: Mapping[Quarter, int]
    sealed: list[Quarter] = field(default_factory=list)


@dataclass
class SeshPruner:
    """The engine over the stores of an application that keeps time series in partitions."""

    app: App
    d1: D1
    store: ObjectStore
    postgres: Postgres
    ledger: Ledger
    clock: Callable[[], datetime]
    pace: Pace
    page: int = PAGE
    progress: Progress = silent

    def run(self, *, dry_run: bool = True, confirmed: bool = False) -> Pruned:
        """Prune whole quarters that are old enough, or say what would go; one process at a time."""
        with self.postgres.lock(f"clearlift.retention.{self.app.name}.detail"):
            sides = [self._side(family, dry_run=dry_run, confirmed=confirmed) for family in (SESSIONS, POINTS)]
            pruned = Pruned([side.outcome for side in sides])
            admitted = [share.admitted(side.outcome) for side in sides]
            if dry_run or all(admitted):
                self._reconcile(sides, dry_run=dry_run)
                self._delete(sides, dry_run=dry_run)
            pruned.kept_before = kept_before(self.d1)
            if all(admitted) and pruned.kept_before is not None:
                for side in sides:
                    end = min(moment(pruned.kept_before), side.outcome.order.before)
                    pruned.dropped += drop_empty(self.d1, side.family, end, self.clock)
                pruned.media = self._remove_media()
        return pruned

    def _side(self, family: Family, *, dry_run: bool, confirmed: bool) -> _Side:
        entry = self._entry(family)
        allowed = due(entry, self.clock(), PROVED)
        before = Quarter.of(allowed.before.date()).window.start
        outcome = Outcome(Order(self.app.name, entry, before, dry_run, confirmed))
        proof = Proof(self.app.name, entry, self.store, self.postgres, outcome.faults)
        live = rows_of(self.d1, family)
        outcome.total = sum(live.values())
        side = _Side(family, proof, outcome, {q: n for q, n in live.items() if q.window.end <= before and n})
        if not dry_run:
            settle_left(self.ledger, entry, {str(quarter): rows for quarter, rows in live.items()})
        for quarter, rows in sorted(side.old.items()):
            found = proof.sealed(quarter)
            if not found:
                outcome.hold(str(quarter), rows, UNSEALED)
            elif not all(proof.whole(revision) for revision in found.values()):
                outcome.hold(str(quarter), rows, DAMAGED)
            elif allowed.why_not:
                outcome.hold(str(quarter), rows, allowed.why_not)
            else:
                side.sealed.append(quarter)
        outcome.going = sum(side.old[quarter] for quarter in side.sealed)
        return side

    def _entry(self, family: Family) -> Lifecycle:
        return next(entry for entry in self.app.lifecycles if entry.is_family and entry.table == family.name)

    def _reconcile(self, sides: Sequence[_Side], *, dry_run: bool) -> None:
        """Keep the metrics of what may go as they are; quarters whose metrics cannot be kept stay."""
        wanted = max((quarter.window.end for side in sides for quarter in side.sealed), default=None)
        if wanted is None:
            return
        try:
            if dry_run:
                check_before(self.d1, wanted, self.pace)
                return
            for grain in GRAINS.values():
                Metrics(self.d1, grain, self.clock, self.pace).run()
            keep_before(self.d1, wanted, self.pace, self.progress)
        except (StaleMetricsError, DifferingMetricsError) as error:
            kept = kept_before(self.d1)
            for side in sides:
                refused = [q for q in side.sealed if kept is None or q.window.end > moment(kept)]
                for quarter in refused:
                    side.sealed.remove(quarter)
                    side.outcome.hold(str(quarter), side.old[quarter], str(error))

    def _delete(self, sides: Sequence[_Side], *, dry_run: bool) -> None:
        done, total = 0, sum(side.old[quarter] for side in sides for quarter in side.sealed)
        for side in sides:
            side.outcome.going = 0
            noting = side.family is SESSIONS and self.app.media is not None
            before = _noted if noting else nothing
            rows = SealedRows(self.d1, side.proof, self.pace, self.page, before=before, after=[_UNMARKED])
            for quarter in side.sealed:
                there, outcome = side.old[quarter], side.outcome
                with side.proof.registry.lock(quarter):
                    if dry_run:
                        gone = rows.count(quarter, self._tables(side.family, quarter))
                    else:
                        entry = outcome.order.entry
                        note = self.ledger.intend(entry, str(quarter), there, 0, why(entry))
                        gone = 0
                        for some in rows.delete(quarter, self._tables(side.family, quarter)):
                            gone += some
                            self.progress(done + gone, max(total, done + gone))
                        self.ledger.settle(note, gone, 0)
                        outcome.deleted += gone
                    outcome.going += gone
                    if there > gone:
                        outcome.hold(str(quarter), there - gone, why_not(side.proof, quarter))
                done += there

    def _remove_media(self) -> int:
        if self.app.media is None:
            return 0
        return PrunedMedia(self.app.name, self.app.media, self.d1, self.store, self.postgres, self.clock).remove()

    def _tables(self, family: Family, quarter: Quarter) -> Tables:
        return [(p.name, part) for p, part in registry.load(self.d1, family).over(quarter.window)]


def _noted(table: str, going: Statement) -> list[Statement]:
    """Whose media are to go, noted in the transaction in which the sessions go."""
    return [
        Statement(
            f"insert into pruned_sessions (userId, sessionId) select userId, id from {table} where id in ({going.sql}) "
            "on conflict (userId, sessionId) do nothing",
            going.params,
        )
    ]
