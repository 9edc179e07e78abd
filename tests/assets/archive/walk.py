"""One work from one start, ended at each of its I/O steps in turn. No fixtures."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from tests.assets.archive.checkpoint import Checkpoint
from tests.assets.archive.operations import killed, unanswered

Ending = Callable[[Callable[[], object], int], str | None]


@dataclass
class Walk:
    """One work from one start, ended at each of its steps in turn, or only after each change of a store.

    `steps` says which there were.
    """

    start: Checkpoint
    work: Callable[[], object]
    every: bool
    steps: set[str] = field(default_factory=set)

    def ended(self) -> Iterator[str]:
        """The stores as each end leaves them, with where it was: to be run again. What one left before is left out."""
        left = set()
        endings: dict[str, Ending] = {"killed": partial(killed, every=self.every), "unanswered": unanswered}
        for name, ending in endings.items():
            for number in itertools.count(1):
                self.start.rewind()
                step = ending(self.work, number)
                if step is None:
                    break
                self.steps.add(step)
                state = self.start.state()
                if state not in left:
                    left.add(state)
                    yield f"{name} at {step}"
