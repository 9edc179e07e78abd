"""Signals that interrupt a command: Ctrl-C, SIGTERM and a closed terminal alike, so that what was opened is closed."""

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupted(BaseException):
    """The command is to end, because of this signal. No KeyboardInterrupt, which click would hide."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def interruptible() -> Iterator[None]:
    """The block is left by Interrupted on a signal; handlers are as before after it."""
    # Under nohup a closed terminal is to be ignored. SIGINT is taken in any case: Dagster gives SIGTERM its handler.
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, _interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def not_swallowed() -> Iterator[None]:
    """For a block that takes the handlers away, as Dagster does for a run: raises Interrupted after it."""
    reading, writing = socket.socketpair()
    with reading, writing:
        reading.setblocking(False)
        writing.setblocking(False)
        before = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
        try:
            numbers = reading.recv(1)
        except BlockingIOError:
            return
        raise Interrupted(numbers[0])


def _interrupt(number: int, _frame: FrameType | None) -> None:
    raise Interrupted(number)
