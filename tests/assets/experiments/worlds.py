"""Experiments whose truth is known: what was counted by each look, drawn from it."""

from collections.abc import Iterator

import numpy as np

from assets.experiments.sequential import Sample

LOOKS = 60


def looks(
    seed: int, control: float, treatment: float, users_a_day: int, days: int = LOOKS, share: float = 0.5
) -> Iterator[tuple[Sample, Sample]]:
    """Control and treatment as each day's look sees them: units and conversions since the first day.

    control, treatment: their conversion rates. share: of the users, that goes to the treatment.
    """
    rng = np.random.default_rng(seed)
    treated = rng.binomial(users_a_day, share, days)
    users = np.cumsum([users_a_day - treated, treated], axis=1)
    converted = np.cumsum(
        [rng.binomial(users_a_day - treated, control), rng.binomial(treated, treatment)],
        axis=1,
    )
    for day in range(days):
        (a, b), (x, y) = users[:, day].tolist(), converted[:, day].tolist()
        yield Sample(a, x, x), Sample(b, y, y)


def splits(seed: int, share: float, users: int = 100_000, days: int = LOOKS) -> Iterator[tuple[int, int]]:
    """The users of two variants by each day's look, where the first one gets `share` of all."""
    rng = np.random.default_rng(seed)
    sizes = np.diff(np.linspace(0, users, days + 1).astype(int))
    first = np.cumsum(rng.binomial(sizes, share))
    return zip(first.tolist(), (np.cumsum(sizes) - first).tolist(), strict=True)
