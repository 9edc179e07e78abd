"""A look at an experiment as people read it: what it says in a line, a table of its results, a plot. Pure.

What belongs here: words and Markdown. What does not: what may be said (verdict.py), and drawing (plot.py).
"""

import base64
from collections.abc import Sequence

from assets.experiments.plot import Interval, intervals
from assets.experiments.sequential import Effect, Sample
from assets.experiments.verdict import Look, Result, Verdict
from assets.markdown import in_markdown
from resources.counts import counted

COLUMNS = ("metric", "variant", "users", "rate", "lift", "interval", "p", "findable", "verdict")
NUMBERS = COLUMNS[2:-1]
# A wider interval says nothing but that there are too few conversions.
LARGEST = 9.995


def markdown(look: Look, lately: Sequence[Interval]) -> str:
    """The experiment's line, its table, and the plot of the primary metric's lift, where there is one."""
    parts = [headline(look), _table(look.results)]
    if lately:
        newest = lately[-1]
        said = f"Lift by day; on {newest.day} {share(newest.lift)} ({share(newest.low)} to {share(newest.high)})"
        image = base64.b64encode(intervals(lately)).decode()
        parts.append(f"Lift by {in_markdown(look.experiment.metrics[0].name)}, look by look:")
        parts.append(f"![{said}](data:image/png;base64,{image})")
    return "\n\n".join(parts)


def headline(look: Look) -> str:
    """What the look says in one line of Markdown."""
    experiment = look.experiment
    said = [f"**{in_markdown(experiment.name)}**: {look.exposed:,} of {experiment.planned_total:,} users"]
    if experiment.ended_at is not None:
        said.append(f"ended {experiment.ended_at:%Y-%m-%d}")
    elif look.days_left is None:
        said.append("nobody new in the last 7 days")
    elif look.days_left == 0:
        said.append("the planned number is reached")
    else:
        said.append(f"about {counted(look.days_left, 'day')} to go")
    if look.mismatched:
        said.append(f"**users are not split as planned: no verdict** ({split(look)})")
    return "; ".join(said) + "."


def split(look: Look) -> str:
    """How many users each variant has, beside how many it should have."""
    shown = {result.variant.key: result for result in look.results}.values()
    return ", ".join(
        f"{in_markdown(one.variant.key)} {one.sample.n:,} instead of about {round(look.exposed * one.variant.share):,}"
        for one in shown
    )


def _table(results: Sequence[Result]) -> str:
    aligned = tuple("--:" if name in NUMBERS else ":--" for name in COLUMNS)
    return "\n".join(f"| {' | '.join(line)} |" for line in (COLUMNS, aligned, *map(_cells, results)))


def _cells(result: Result) -> tuple[str, ...]:
    metric = in_markdown(result.metric.name) + (" (fewer is better)" if result.metric.fewer_is_better else "")
    lift = result.lift
    return (
        f"{metric}, guardrail" if result.metric.is_guardrail else metric,
        in_markdown(result.variant.key),
        f"{result.sample.n:,}",
        _rate(result.sample),
        share(lift.estimate) if lift else "",
        f"{share(lift.low)} to {share(lift.high)}" if lift else "",
        _p(result.difference),
        f"±{result.detectable:.1%}" if result.detectable is not None else "",
        _verdict(result),
    )


def _rate(sample: Sample) -> str:
    """A share of users in per cent, where no value is other than 0 and 1; else the mean."""
    if not sample.n:
        return ""
    return f"{sample.mean:.2%}" if sample.total == sample.squares else f"{sample.mean:,.2f}"


def share(value: float) -> str:
    """A lift as people read it."""
    return f"{value:+.1%}" if value < LARGEST else "above +999%"


def _p(effect: Effect | None) -> str:
    if effect is None:
        return ""
    return "< 0.001" if effect.p < 0.001 else f"{effect.p:.3f}"


def _verdict(result: Result) -> str:
    if result.verdict is Verdict.CONTROL:
        return ""
    return f"{result.verdict.value}: {result.why}" if result.why else f"**{result.verdict.value}**"
