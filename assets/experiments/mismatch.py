"""Sample-ratio mismatch: whether units are split between variants as planned, by a test that may be made daily. Pure.

The Bayes factor of a Dirichlet-multinomial against the planned multinomial, of Lindon and Malek, "Anytime-Valid
Inference for Multinomial Count Data" (arXiv 2011.03567). By Ville's inequality, a split as planned ever reaches the
evidence 1 / a with a chance of at most a, over all looks together.
"""

import math
from collections.abc import Sequence

# The alternative expects shares near the planned ones, about as well known as after so many units.
CONCENTRATION = 10_000.0
# From here on a split is not the planned one. A right one is accused with a chance of at most 1 %.
EVIDENCE = 100.0


def ln_evidence(counts: Sequence[int], shares: Sequence[float]) -> float:
    """The logarithm of the evidence that units are not split by `shares` (each above 0, together 1).

    counts: units of each variant, in the order of the shares.
    """
    if len(counts) != len(shares) or min(shares) <= 0 or not math.isclose(sum(shares), 1):
        raise ValueError("each variant has one count and one share above 0, and the shares add up to 1")
    found = math.lgamma(CONCENTRATION) - math.lgamma(CONCENTRATION + sum(counts))
    for count, share in zip(counts, shares, strict=True):
        prior = CONCENTRATION * share
        found += math.lgamma(prior + count) - math.lgamma(prior) - count * math.log(share)
    return found


def mismatched(counts: Sequence[int], shares: Sequence[float]) -> bool:
    """Whether the evidence suffices to say that units are not split by `shares`."""
    return ln_evidence(counts, shares) >= math.log(EVIDENCE)
