"""How many examples a property gets: few in each run of the suite, many under `make soak`. No fixtures here."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import Phase, settings

SOAK = "soak"


def examples(few: int, many: int, *, shrunk: bool = False) -> Callable[[Any], Any]:
    """A property with `few` examples, or with `many` as one of the long-running tests.

    shrunk: look for a smaller example of a failure. Where an example drives engines, that takes minutes.
    """
    phases = tuple(Phase) if shrunk else (Phase.explicit, Phase.generate)

    def of(test: Any) -> Any:
        if settings.get_current_profile_name() != SOAK:
            return settings(max_examples=few, phases=phases)(test)
        return pytest.mark.soak(settings(max_examples=many, phases=phases)(test))

    return of
