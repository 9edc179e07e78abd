"""Sample-ratio mismatch: whether users are split between variants as planned, by a test that may be made daily. Pure.

The Bayes factor of a Dirichlet-multinomial against the planned multinomial, of Lindon and Malek, "Anytime-Valid
Inference for Multinomial Count Data" (arXiv 2011.03567). By Ville's inequality, a split as planned ever reaches the
evidence 1 / a with a chance of at most a, over all looks together. This holds for the mean of several such factors too.
"""

import math
from collections.abc import Sequence

# The alternatives expect shares near the planned ones, as near as if so many users had been seen. 10,000 finds 51:49
# soonest, but of 300:600 it takes most for chance. 100 finds that at once, and 51:49 late.
CONCENTRATIONS = (100.0, 1_000.0, 10_000.0)
# From here on a split is not the planned one. A right one is accused with a chance of at most 1 %.
EVIDENCE = 100.0


def ln_bayes_factor(counts: Sequence[int], shares: Sequence[float], concentration: float) -> float:
    """The logarithm of how much better one alternative explains the counts of the variants than `shares` do."""
    found = math.lgamma(concentration) - math.lgamma(concentration + sum(counts))
    for count, share in zip(counts, shares, strict=True):
        prior = concentration * share
        found += math.lgamma(prior + count) - math.lgamma(prior) - count * math.log(share)
    return found


def ln_evidence(counts: Sequence[int], shares: Sequence[float]) -> float:
    """The logarithm of the evidence that users are not split by `shares` (each above 0, together 1).

    counts: users of each variant, in the order of the shares.
    """
    if len(counts) != len(shares) or min(shares) <= 0 or not math.isclose(sum(shares), 1):
        raise ValueError("each variant has one count and one share above 0, and the shares add up to 1")
    factors = [ln_bayes_factor(counts, shares, concentration) for concentration in CONCENTRATIONS]
    largest = max(factors)
    return largest + math.log(math.fsum(math.exp(factor - largest) for factor in factors) / len(factors))


def is_mismatch(ln_evidence: float) -> bool:
    """Whether the evidence suffices to say that users are not split as planned."""
    return ln_evidence >= math.log(EVIDENCE)
