"""The error of an expected refusal: nothing is broken, and a person knows what to do next. Pure.

What belongs here: the class that every floor raises for it. What does not: how it is shown (an op's in
assets/declined.py, a command's in clearlift_pipelines/cli), and faults, which keep their own errors and their trace.
"""


class DeclinedError(Exception):
    """What was asked for is not done, for a reason that is no fault: not due, nothing to do, unknown name, held up.

    reason: one sentence without its full stop, free of personal values. next_step: the next command, or what to do
    before it.
    """

    def __init__(self, reason: str, next_step: str) -> None:
        super().__init__(reason, next_step)
        self.reason = reason
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.reason}. Next: {self.next_step}"
