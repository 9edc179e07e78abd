"""What an experiment can find, and how long it still has to run. Pure.

An effect is found with the chance `power` where it is `critical` plus the power's quantile in standard errors. With
the critical value of one fixed look, this is the textbook's n = (1 + 1/r) (sigma (z + z_power) / delta)^2, solved for
delta. The critical value of a sequence is larger: this is the price of daily looks.
"""

import math
from statistics import NormalDist

POWER = 0.8


def detectable(standard_error: float, critical: float, power: float = POWER) -> float:
    """The smallest effect that is found with the chance `power`.

    standard_error: of the estimate, with all units in it. critical: half of the interval's width in standard errors.
    """
    return (critical + NormalDist().inv_cdf(power)) * standard_error


def days_left(units: int, planned: int, recent: int, recent_days: float) -> int | None:
    """Days until `planned` units are reached at the pace of the recent days; None where nobody came in them."""
    if units >= planned:
        return 0
    if recent <= 0 or recent_days <= 0:
        return None
    return math.ceil((planned - units) * recent_days / recent)
