"""Which variant a user or session gets, by hash: the same as the app's database computes, to prove its rows by. Pure.

Any change of these formulas gives users of running experiments another variant. What does not belong here: who is
admitted, because that is decided by the app alone.
"""

import hashlib
from collections.abc import Sequence

from assets.experiments.definition import Variant

BUCKETS = 10_000


def bucket(experiment: str, unit: str) -> int:
    """A number from 0 to 9,999: the first four bytes of an MD5 of the experiment's key and the unit's id."""
    digest = hashlib.md5(f"{experiment}:{unit}".encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[:4]) * BUCKETS >> 32


def variant_of(variants: Sequence[Variant], bucket: int) -> str:
    """The key of a bucket's variant: variants share the buckets by their weights, in the order given."""
    whole = sum(variant.weight for variant in variants)
    until = 0 * whole
    for variant in variants:
        until += variant.weight
        if bucket * whole < until * BUCKETS:
            return variant.key
    raise ValueError(f"a bucket is at most {BUCKETS - 1}, not {bucket}")


def follows(experiment: str, variants: Sequence[Variant], assigned: tuple[str, int], units: Sequence[str]) -> bool:
    """Whether an assignment (variant and bucket) is the one of its user, or of the session that they came from."""
    variant, stored = assigned
    return stored in {bucket(experiment, unit) for unit in units} and variant == variant_of(variants, stored)
