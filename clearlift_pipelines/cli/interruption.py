"""Signals that end a command: Ctrl-C, SIGTERM and a closed terminal alike. The first lets it close what it opened, for
PATIENCE_SECONDS at most; a second one ends it at once.

What does not belong here: the processes that a command starts. Each of them ends by itself when this one is gone.
"""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import ClassVar, NoReturn, Self

PATIENCE_SECONDS = 20.0
# What a second signal still leaves, so that servers are gone before the command is.
AT_ONCE_SECONDS = 1.0
ENDED = b"\nEnded at once. Run the same command again to go on.\n"
SHOW_CURSOR = b"\x1b[?25h"
# No signal has this number: with it a thread asks whether all before it was heard.
NOTHING = 0


class Interrupted(BaseException):
    """The command is to end, because of this signal. No KeyboardInterrupt, which click would hide."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Listener:
    """A thread that hears signals in the moment when they come, and ends this process where it does not end by itself.

    A handler of Python waits until the main thread leaves native code, and Dagster replaces handlers during a run. The
    kernel writes each signal to a pipe in any case.
    """

    current: ClassVar["Listener | None"] = None

    def __init__(self, numbers: Collection[int]) -> None:
        self.heard: list[int] = []
        self._numbers = numbers
        self._caught_up = threading.Event()
        self._reading, self._writing = socket.socketpair()
        self._writing.setblocking(False)
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Self:
        self._before = signal.set_wakeup_fd(self._writing.fileno(), warn_on_full_buffer=False)
        self._outer, Listener.current = Listener.current, self
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        Listener.current = self._outer
        signal.set_wakeup_fd(self._before)
        self._writing.close()
        self._thread.join()
        self._reading.close()

    def catch_up(self) -> None:
        """Until every signal that came so far is in `heard`."""
        self._caught_up.clear()
        self._writing.send(bytes([NOTHING]))
        self._caught_up.wait()

    def _listen(self) -> None:
        deadline: float | None = None
        while True:
            self._reading.settimeout(None if deadline is None else max(deadline - time.monotonic(), 0.001))
            try:
                said = self._reading.recv(1)
            except TimeoutError:
                end_at_once(self.heard[-1])
            if not said:
                return
            if said[0] == NOTHING:
                self._caught_up.set()
            elif said[0] in self._numbers:
                self.heard.append(said[0])
                left = PATIENCE_SECONDS if deadline is None else AT_ONCE_SECONDS
                deadline = min(deadline or float("inf"), time.monotonic() + left)


def end_at_once(number: int) -> NoReturn:
    """End this process as a signal would, without closing anything: all of it can be killed."""
    os.write(2, (SHOW_CURSOR if sys.__stderr__ is not None and sys.__stderr__.isatty() else b"") + ENDED)
    os._exit(128 + number)


@contextmanager
def interruptible() -> Iterator[None]:
    """The block is left by Interrupted on a signal; handlers are as before after it."""
    # Under nohup a closed terminal is to be ignored. SIGINT is taken in any case: Dagster gives SIGTERM its handler.
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, _interrupt) for number in numbers}
    try:
        with Listener(numbers):
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def not_swallowed() -> Iterator[None]:
    """For a block that takes the handlers away, as Dagster does for a run: raises Interrupted after it."""
    listener = Listener.current
    if listener is None:  # nobody is to be interrupted
        yield
        return
    listener.catch_up()
    before = len(listener.heard)
    yield
    listener.catch_up()
    if heard := listener.heard[before:]:
        raise Interrupted(heard[0])


def asked_to_end() -> threading.Event:
    """Set by SIGTERM and Ctrl-C from now on. For a command that serves until somebody ends it, which is no failure."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: ended.set())
    return ended


def _interrupt(number: int, _frame: FrameType | None) -> None:
    raise Interrupted(number)
