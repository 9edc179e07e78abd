"""Looking at the experiments of an app: counted in its database as of one moment, judged, stored in ours.

A look counts all that came before the last UTC midnight, from the first day of the experiment. So late events, erasures
and a look that is made twice need nothing of their own: the day's looks are replaced. What does not belong here: what
may be said of the counts (verdict.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from string import Template
from typing import Any, Self

from assets.apps import App, Experiments
from assets.experiments import stored
from assets.experiments.buckets import follows
from assets.experiments.definition import Experiment, UnusableExperimentError
from assets.experiments.verdict import Counted, Look, judge
from assets.rooms import Clock, Rooms
from assets.windows import DAY, midnight
from resources.postgres import Connection, Postgres
from resources.sql_files import read_sql

# After its end an experiment is looked at so long, because events come late.
SETTLING = 7 * DAY
# The days that are left are reckoned by the pace of so many days.
PACE = 7 * DAY
# So many of the newest assignments of an experiment are computed again.
ASSIGNMENTS = 1_000


@dataclass(frozen=True)
class Looks:
    """What was looked at: the day by whose end, and the looks.

    unusable: why nothing is said of further experiments, by key. assignments: how many were computed again, and how
    many of them are wrong, by key.
    """

    day: date
    looks: tuple[Look, ...]
    unusable: Mapping[str, str]
    assignments: Mapping[str, tuple[int, int]]


@dataclass
class Looking:
    """The engine of one app."""

    app: App
    experiments: Experiments
    source: Postgres
    postgres: Postgres
    clock: Clock

    @classmethod
    def of(cls, rooms: Rooms, app: App, experiments: Experiments) -> Self:
        """The engine over the rooms."""
        return cls(app, experiments, rooms.app_postgres(app), rooms.postgres, rooms.clock)

    def run(self) -> Looks:
        """Look at every experiment that runs or ended lately, and replace the looks of the day."""
        with self.postgres.lock(f"experiments:{self.app.name}") as connection:
            until = midnight(self.clock().date())
            with self.source.connection(one_moment=True) as moment:
                found = self._looked(moment, until)
            stored.replace(connection, self.app, found.day, found.looks, self.clock())
        return found

    def _looked(self, moment: Connection, until: datetime) -> Looks:
        experiments, unusable = self._defined(moment, until)
        counts = self._counted(moment, experiments, until)
        looks = []
        for experiment, counted in zip(experiments, counts, strict=True):
            try:
                looks.append(judge(experiment, counted))
            except UnusableExperimentError as error:
                unusable[experiment.key] = str(error)
        return Looks((until - DAY).date(), tuple(looks), unusable, self._assigned(moment, experiments))

    def _defined(self, moment: Connection, until: datetime) -> tuple[list[Experiment], dict[str, str]]:
        """The experiments that can be counted, and why others cannot, by key."""
        usable, unusable, kept_since = [], {}, self._kept_since(until)
        for row in self._rows(moment, "defined", until=until, since=until - SETTLING):
            try:
                experiment = Experiment.of(row)
                if kept_since is not None and experiment.started_at < kept_since:
                    if experiment.ended_at is not None:
                        continue  # the look before stands: all of its events were there
                    raise UnusableExperimentError(
                        f"it began before {kept_since:%Y-%m-%d}, and events of then are deleted by now; end it"
                    )
                usable.append(experiment)
            except UnusableExperimentError as error:
                unusable[row["key"]] = str(error)
        return usable, unusable

    def _kept_since(self, until: datetime) -> datetime | None:
        """From when on all events are there; None where they are never deleted."""
        days = next(
            entry.delete_after_days
            for entry in self.app.lifecycles
            if (entry.store, entry.name) == ("app_postgres", self.experiments.events)
        )
        return None if days is None else until - days * DAY

    def _counted(self, moment: Connection, experiments: Sequence[Experiment], until: datetime) -> list[Counted]:
        ids, ends = [one.id for one in experiments], [one.ended_at or until for one in experiments]
        measured = [(one.id, metric.name) for one in experiments for metric in one.metrics]
        rows = self._rows(
            moment,
            "counted",
            experiments=ids,
            ends=ends,
            measured=[one for one, _ in measured],
            metrics=[metric for _, metric in measured],
            recent=until - PACE,
        )
        return [
            Counted(
                exposed={row["variant"]: row["units"] for row in rows if _is_of(row, one) and row["metric"] is None},
                recent=sum(row["recent"] for row in rows if _is_of(row, one)),
                recent_days=min(PACE, until - one.started_at) / DAY,
                sums={
                    (row["metric"], row["variant"]): (row["total"], row["squares"])
                    for row in rows
                    if _is_of(row, one) and row["metric"] is not None
                },
            )
            for one in experiments
        ]

    def _assigned(self, moment: Connection, experiments: Sequence[Experiment]) -> dict[str, tuple[int, int]]:
        by_id = {one.id: one for one in experiments}
        found = {one.key: (0, 0) for one in experiments}
        for row in self._rows(moment, "assigned", experiments=list(by_id), newest=ASSIGNMENTS):
            one = by_id[row["experiment_id"]]
            units = [unit for unit in (row["user_id"], row["session_id"]) if unit is not None]
            checked, wrong = found[one.key]
            right = follows(one.key, one.variants, (row["variant"], row["bucket"]), units)
            found[one.key] = checked + 1, wrong + (not right)
        return found

    def _rows(self, moment: Connection, name: str, **parameters: Any) -> list[dict[str, Any]]:
        """The rows of a statement over the app's tables."""
        statement = Template(read_sql(f"experiments/{name}.sql")).substitute(
            experiments=self.experiments.table,
            assignments=self.experiments.assignments,
            exposures=read_sql(self.experiments.exposures),
            outcomes=read_sql(self.experiments.outcomes),
        )
        return moment.execute(statement, parameters).fetchall()


def _is_of(row: Mapping[str, Any], experiment: Experiment) -> bool:
    return bool(row["experiment_id"] == experiment.id)
