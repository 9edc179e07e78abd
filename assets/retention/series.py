"""The yearly pruning of time series: rows that are sealed go, the metrics that count them stay as they are.

The order lets the next run repair a kill at any step: metrics are kept and proved, up to the youngest quarter that is
sealed; rows go, each where it equals its archived one; partitions that are left without rows go, with the registry and
the view; media of the rows go. What belongs here: this order. What does not: how rows go (d1_sealed.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from assets.apps import App, Series
from assets.apps.lifecycle import Condition, Lifecycle
from assets.archive.quarters import Quarter
from assets.archive.tables import d1_table
from assets.metrics.build import Metrics
from assets.metrics.grains import GRAINS
from assets.metrics.keep import DifferingMetricsError, StaleMetricsError, check_before, keep_before
from assets.metrics.kept import KEPT_BEFORE, kept_before
from assets.progress import Progress, silent
from assets.retention.d1_aged import PAGE
from assets.retention.d1_sealed import D1Sealed
from assets.retention.deletion import Deletion, DeletionOutcome, Portion
from assets.retention.eligible import due
from assets.retention.log import DeletionLog
from assets.retention.proof import DAMAGED, UNSEALED, ArchiveProof
from assets.retention.run import DeletionPlan, finish, plan
from assets.retention.series_media import PrunedMedia
from assets.retention.series_partitions import drop_empty, rows_by_quarter
from assets.rooms import Rooms
from resources.d1 import Statement
from resources.d1.pace import Pace
from resources.d1.times import moment

PROVED: frozenset[Condition] = frozenset({"sealed", "reconciled", "summarised"})
# Every pruned row marks its hour to be made again, and the hour is kept as it is.
_UNMARKED = Statement(f"delete from stale_metrics where grain = 'hourly' and windowStart < {KEPT_BEFORE}")


@dataclass
class Pruned:
    """What a run did: an outcome a series, the partitions that were dropped, the number of media objects deleted, and
    the midnight before which metrics are kept as they are.
    """

    outcomes: list[DeletionOutcome]
    dropped: list[str] = field(default_factory=list)
    media: int = 0
    kept_before: str | None = None


@dataclass
class SeriesRows(D1Sealed):
    """The rows of a series, whole quarters of which go: only those that are sealed. `unproved`: why no row may go."""

    series: Series = field(kw_only=True)
    unproved: str = ""

    def live(self) -> Mapping[Quarter, int]:
        return rows_by_quarter(self.d1, self.series)

    def count(self, outcome: DeletionOutcome) -> list[Portion]:
        portions = []
        for portion in super().count(outcome):
            sealed = self.proof.sealed(Quarter.parse(portion.place))
            whole = all(self.proof.whole(revision) for revision in sealed.values())
            if why := self.unproved if sealed and whole else DAMAGED if sealed else UNSEALED:
                outcome.hold(portion.place, portion.rows, why)
            else:
                portions.append(portion)
        return portions


@dataclass
class SeriesPruner:
    """The engine over the stores of an app that counts time series in metrics."""

    rooms: Rooms
    app: App
    run_id: str
    pace: Pace = field(default_factory=Pace)
    page: int = PAGE
    progress: Progress = silent

    def __post_init__(self) -> None:
        assert self.app.metrics is not None, f"{self.app.name} counts no series"
        self._metrics = self.app.metrics
        self.d1 = self.rooms.d1(self.app)
        self.log = DeletionLog(self.rooms.postgres, self.app.name, self.run_id, self.rooms.clock)

    def run(self, *, dry_run: bool = True, confirmed: bool = False) -> Pruned:
        """Prune whole quarters that are old enough, or report what would go. One process at a time."""
        with self.rooms.postgres.lock(f"{self.app.name}.retention.detail"):
            plans = [self._plan(series, dry_run=dry_run, confirmed=confirmed) for series in self._metrics.details]
            admitted = all(planned.admitted for planned in plans)
            if dry_run or admitted:
                self._reconcile(plans, dry_run=dry_run)
                for planned in plans:
                    finish(planned)
            pruned = Pruned([planned.outcome for planned in plans], kept_before=kept_before(self.d1))
            if admitted and pruned.kept_before is not None:
                for series, outcome in zip(self._metrics.details, pruned.outcomes, strict=True):
                    end = min(moment(pruned.kept_before), outcome.deletion.before)
                    pruned.dropped += drop_empty(self.d1, series, end, self.rooms.clock)
                if self.app.media is not None:
                    pruned.media = PrunedMedia.of(self.rooms, self.app, self.app.media).remove()
        return pruned

    def _plan(self, series: Series, *, dry_run: bool, confirmed: bool) -> DeletionPlan:
        entry = self._entry(series)
        allowed = due(entry, self.rooms.clock(), PROVED)
        before = Quarter.of(allowed.before.date()).window.start
        deletion = Deletion(self.app.name, entry, before, dry_run, confirmed)
        rows = SeriesRows(
            d1=self.d1,
            table=d1_table(self.d1, self.app, entry),
            deletion=deletion,
            log=self.log,
            proof=ArchiveProof.of(self.rooms, self.app, entry),
            pace=self.pace,
            page=self.page,
            before=_noted if self._owns_media(series) else lambda _table, _going: (),
            after=[_UNMARKED],
            series=series,
            unproved=allowed.why_not,
        )
        return plan(rows, DeletionOutcome(deletion, progress=self.progress), self.log)

    def _entry(self, series: Series) -> Lifecycle:
        return next(entry for entry in self.app.lifecycles if entry.is_series and entry.table == series.name)

    def _owns_media(self, series: Series) -> bool:
        return self.app.media is not None and self.app.media.series == series.name

    def _reconcile(self, plans: Sequence[DeletionPlan], *, dry_run: bool) -> None:
        """Keep the metrics of what may go as they are. Quarters whose metrics cannot be kept stay."""
        ends = [Quarter.parse(portion.place).window.end for planned in plans for portion in planned.portions]
        if not ends:
            return
        try:
            if dry_run:
                check_before(self.d1, self._metrics, max(ends), self.pace)
                return
            for grain in GRAINS.values():
                Metrics(self.d1, self._metrics, grain, self.rooms.clock, self.pace).run()
            keep_before(self.d1, self._metrics, max(ends), self.pace, self.progress)
        except (StaleMetricsError, DifferingMetricsError) as error:
            kept = kept_before(self.d1)
            for planned in plans:
                for portion in list(planned.portions):
                    if kept is None or Quarter.parse(portion.place).window.end > moment(kept):
                        planned.portions.remove(portion)
                        planned.outcome.hold_rest(portion, 0, str(error))


def _noted(table: str, going: Statement) -> list[Statement]:
    """Notes of the sessions whose media are to go, in the transaction in which the sessions go."""
    return [
        Statement(
            f"insert into pruned_sessions (userId, sessionId) select userId, id from {table} where id in ({going.sql}) "
            "on conflict (userId, sessionId) do nothing",
            going.params,
        )
    ]
