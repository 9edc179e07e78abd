"""What the checks of a day's looks say. A check that knows nothing does not pass.

What does not belong here: when a split is wrong, and when a metric is worse (mismatch.py, verdict.py).
"""

from collections.abc import Iterator, Sequence

from dagster import AssetCheckResult, AssetCheckSeverity

from assets.description import table
from assets.experiments.look import Looks
from assets.experiments.report import split
from assets.experiments.verdict import Look, Result, Verdict

DESCRIPTIONS = {
    "defined_well": "Every experiment that runs or ended lately can be judged.",
    "split_as_planned": "Users are split between the variants of every experiment as planned; else it has no verdict.",
    "assigned_by_hash": "The newest users of every experiment have the variant that their hash gives them.",
    "guardrails_hold": "No variant is worse than the control by a guardrail metric.",
}
NOTHING = "No experiment runs or ended lately, so nothing is proved."


def results(found: Looks) -> Iterator[AssetCheckResult]:
    """The answer of each check, in the order of their descriptions."""
    yield _defined_well(found)
    yield _split_as_planned(found.looks)
    yield _assigned_by_hash(found)
    yield _guardrails_hold(found.looks)


def _defined_well(found: Looks) -> AssetCheckResult:
    wrong = [{"experiment": key, "why": why} for key, why in found.unusable.items()]
    known = bool(found.looks or wrong)
    return AssetCheckResult(
        check_name="defined_well",
        passed=known and not wrong,
        severity=AssetCheckSeverity.ERROR if wrong else AssetCheckSeverity.WARN,
        description="; ".join(f"{one['experiment']}: {one['why']}" for one in wrong) if known else NOTHING,
        metadata={"experiments": len(found.looks) + len(wrong), "wrong": table(wrong)},
    )


def _split_as_planned(looks: Sequence[Look]) -> AssetCheckResult:
    wrong = [{"experiment": look.experiment.key, "users": split(look)} for look in looks if look.mismatched]
    empty = [look.experiment.key for look in looks if not look.exposed]
    said = [f"{one['experiment']}: {one['users']}; look for what loses or doubles users of a variant" for one in wrong]
    if empty:
        said.append(f"nobody has seen a variant of {', '.join(empty)}")
    return AssetCheckResult(
        check_name="split_as_planned",
        passed=bool(looks) and not wrong and not empty,
        severity=AssetCheckSeverity.ERROR if wrong else AssetCheckSeverity.WARN,
        description="; ".join(said) if looks else NOTHING,
        metadata={"experiments": len(looks), "mismatched": table(wrong)},
    )


def _assigned_by_hash(found: Looks) -> AssetCheckResult:
    checked, wrong = (sum(counts) for counts in zip((0, 0), *found.assignments.values(), strict=True))
    named = [f"{key}: {bad} of {of}" for key, (of, bad) in found.assignments.items() if bad]
    empty = [key for key, (of, _) in found.assignments.items() if not of]
    said = [f"{'; '.join(named)} have another; were weights changed, or variants set by hand?"] if named else []
    if empty:
        said.append(f"nobody has seen a variant of {', '.join(empty)}")
    return AssetCheckResult(
        check_name="assigned_by_hash",
        passed=bool(checked) and not wrong and not empty,
        severity=AssetCheckSeverity.ERROR if wrong else AssetCheckSeverity.WARN,
        description="; ".join(said) if found.assignments else NOTHING,
        metadata={"checked": checked, "wrong": wrong},
    )


def _guardrails_hold(looks: Sequence[Look]) -> AssetCheckResult:
    compared = [
        (look, one) for look in looks for one in look.results if one.metric.is_guardrail and not one.variant.is_control
    ]
    worse = [(look, one) for look, one in compared if one.verdict is Verdict.WORSE]
    unknown = [(look, one) for look, one in compared if one.difference is None]
    said = [f"{_named(look, one)} is worse; stop the variant or accept it" for look, one in worse]
    if unknown:
        said.append(f"not known yet: {'; '.join(_named(look, one) for look, one in unknown)}")
    return AssetCheckResult(
        check_name="guardrails_hold",
        passed=bool(compared) and not worse and not unknown,
        severity=AssetCheckSeverity.ERROR if worse else AssetCheckSeverity.WARN,
        description="; ".join(said) if compared else "No experiment with a guardrail runs or ended lately.",
        metadata={"compared": len(compared), "worse": len(worse), "unknown": len(unknown)},
    )


def _named(look: Look, result: Result) -> str:
    return f"{look.experiment.key}, {result.variant.key}, {result.metric.name}"
