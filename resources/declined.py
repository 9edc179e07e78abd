"""The error of an expected refusal: nothing is broken, and a person knows what to do next. Pure.

What belongs here: the class that every floor raises for it. What does not: how it is shown (an op's in
assets/declined.py, a command's in clearlift_pipelines/cli), and faults, which keep their own errors and their trace.
"""

from collections.abc import Sequence


class DeclinedError(Exception):
    """What was asked for is not done, for a reason that is no fault: not due, nothing to do, unknown name, held up.

    reason: one sentence without its full stop, free of personal values. next_step: the next command in backquotes, or
    what to do before it; where there are several, the first is tried first. retryable: the same may go well later.
    """

    retryable = False

    def __init__(self, reason: str, next_step: str) -> None:
        super().__init__(reason, next_step)
        self.reason = reason
        self.next_step = next_step

    @staticmethod
    def together(errors: "Sequence[DeclinedError]") -> "DeclinedError":
        """Several refusals as one, with every next step; one that several share is said once."""
        return DeclinedError(
            "; ".join(error.reason for error in errors), "; ".join(dict.fromkeys(error.next_step for error in errors))
        )

    def __str__(self) -> str:
        end = "" if self.reason.endswith(("?", ".")) else "."
        return f"{self.reason}{end} Next: {self.next_step}"
