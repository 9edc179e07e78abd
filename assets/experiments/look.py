"""Looking at the experiments of an app: counted in its database as of one moment, judged, stored in ours.

A look counts all that came before the last UTC midnight, from the first day of the experiment. So late events, erasures
and a look that was made twice need nothing of their own: the day's looks are replaced. What does not belong here: what
may be said of the counts (verdict.py).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from string import Template
from typing import Any, Self

from assets.apps import App, Experiments
from assets.experiments.definition import Experiment, UnusableExperimentError
from assets.experiments.sequential import Effect
from assets.experiments.verdict import Counted, Look, Result, judge
from assets.rooms import Clock, Rooms
from assets.windows import DAY, midnight
from resources.postgres import Connection, Postgres, copy_in
from resources.sql_files import read_sql

# After its end an experiment is looked at so long, because events come late.
SETTLING = 7 * DAY
# The pace by which the days that are left are reckoned is that of so many days.
PACE = 7 * DAY
NO_EFFECT = Effect(None, None, None, None)  # type: ignore[arg-type]  # columns that are null


@dataclass(frozen=True)
class Looks:
    """What was looked at: the day by whose end, the looks, and why nothing is said of further experiments, by key."""

    day: date
    looks: tuple[Look, ...]
    unusable: Mapping[str, str]


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
            self._store(connection, found)
        return found

    def _looked(self, connection: Connection, until: datetime) -> Looks:
        experiments, unusable = self._defined(connection, until)
        looks = []
        for experiment, counted in self._counted(connection, experiments, until):
            try:
                looks.append(judge(experiment, counted))
            except UnusableExperimentError as error:
                unusable[experiment.key] = str(error)
        return Looks((until - DAY).date(), tuple(looks), unusable)

    def _defined(self, connection: Connection, until: datetime) -> tuple[list[Experiment], dict[str, str]]:
        statement = Template(read_sql("experiments/defined.sql")).substitute(experiments=self.experiments.table)
        usable, unusable, counted_since = [], {}, self._counted_since(until)
        for row in connection.execute(statement, {"until": until, "since": until - SETTLING}):
            try:
                experiment = Experiment.of(row)
                if counted_since is not None and experiment.started_at < counted_since:
                    raise UnusableExperimentError(
                        f"it began before {counted_since:%Y-%m-%d}, and events of then are deleted by now; end it"
                    )
                usable.append(experiment)
            except UnusableExperimentError as error:
                unusable[row["key"]] = str(error)
        return usable, unusable

    def _counted_since(self, until: datetime) -> datetime | None:
        """From when on all events are there; None where they are never deleted."""
        days = next(
            entry.delete_after_days
            for entry in self.app.lifecycles
            if (entry.store, entry.name) == ("app_postgres", self.experiments.events)
        )
        return None if days is None else until - days * DAY

    def _counted(
        self, connection: Connection, experiments: list[Experiment], until: datetime
    ) -> Iterable[tuple[Experiment, Counted]]:
        ends = {experiment.id: experiment.ended_at or until for experiment in experiments}
        measured = [(one.id, metric.name, ends[one.id]) for one in experiments for metric in one.metrics]
        sums = (
            connection.execute(
                Template(read_sql("experiments/sums.sql")).substitute(outcomes=read_sql(self.experiments.outcomes)),
                dict(zip(("experiments", "metrics", "ends"), map(list, zip(*measured, strict=True)), strict=True)),
            ).fetchall()
            if measured
            else []
        )
        exposed = connection.execute(
            Template(read_sql("experiments/exposed.sql")).substitute(assignments=self.experiments.assignments),
            {"experiments": list(ends), "ends": list(ends.values()), "recent": until - PACE},
        ).fetchall()
        for experiment in experiments:
            of_variant = [row for row in exposed if row["experiment_id"] == experiment.id]
            yield (
                experiment,
                Counted(
                    exposed={row["variant"]: row["exposed"] for row in of_variant},
                    recent=sum(row["recent"] for row in of_variant),
                    recent_days=min(PACE, until - experiment.started_at) / DAY,
                    sums={
                        (row["metric"], row["variant"]): (row["total"], row["squares"])
                        for row in sums
                        if row["experiment_id"] == experiment.id
                    },
                ),
            )

    def _store(self, connection: Connection, found: Looks) -> None:
        connection.execute(read_sql("experiments/forget.sql"), {"app": self.app.name, "day": found.day})
        at = self.clock()
        looks = [self._key(look, found.day) | _look_row(look, at) for look in found.looks]
        results = [self._key(look, found.day) | _result_row(result) for look in found.looks for result in look.results]
        for table, rows in (("looks", looks), ("results", results)):
            if rows:
                copy_in(connection, f"experiments.{table}", list(rows[0]), (list(row.values()) for row in rows))

    def _key(self, look: Look, day: date) -> dict[str, Any]:
        return {"app": self.app.name, "experiment": look.experiment.key, "day": day}


def _look_row(look: Look, at: datetime) -> dict[str, Any]:
    return {
        "name": look.experiment.name,
        "has_ended": look.experiment.ended_at is not None,
        "exposed": look.exposed,
        "planned_total": look.experiment.planned_total,
        "ln_evidence": look.ln_evidence,
        "mismatched": look.mismatched,
        "days_left": look.days_left,
        "looked_at": at,
    }


def _result_row(result: Result) -> dict[str, Any]:
    difference, lift = result.difference or NO_EFFECT, result.lift or NO_EFFECT
    return {
        "metric": result.metric.name,
        "variant": result.variant.key,
        "is_guardrail": result.metric.is_guardrail,
        "fewer_is_better": result.metric.fewer_is_better,
        "is_control": result.variant.is_control,
        "exposed": result.sample.n,
        "total": result.sample.total,
        "squares": result.sample.squares,
        "difference": difference.estimate,
        "difference_low": difference.low,
        "difference_high": difference.high,
        "lift": lift.estimate,
        "lift_low": lift.low,
        "lift_high": lift.high,
        "p": difference.p,
        "detectable_lift": result.detectable,
        "verdict": result.verdict.value,
        "why": result.why,
    }
