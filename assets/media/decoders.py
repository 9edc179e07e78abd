"""Decoding in separate processes, so that hostile data which crashes or holds a decoder does not crash or hold the run.

Two processes run at once, each with one image, so that a process that dies or never answers shows which image it was.
They end when the process that started them ends in any way, because their pipe is closed then.
"""

import multiprocessing
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Self

from assets.apps import Media
from assets.media.containers import ImageRefusedError, RefusalReason
from assets.media.variants import Renditions, make

PROCESSES = 2
# The second try is in a new process, because the machine may have killed the first one for another reason.
TRIES = 2
# The largest image takes some 20 seconds. A process that has not answered by then is killed, and its image refused.
SECONDS = 180.0

Make = Callable[[bytes, str, Media], Renditions]
# Processes are spawned, not forked, because a run has threads.
_SPAWN = multiprocessing.get_context("spawn")


class Decoders:
    """`make` of variants.py in other processes, for any number of threads. Used as a with-block.

    A process starts at its first use. seconds: how long one image may take.
    """

    def __init__(self, make: Make = make, seconds: float = SECONDS) -> None:
        self._make = make
        self._seconds = seconds
        self._idle: queue.LifoQueue[_Decoder | None] = queue.LifoQueue()
        for _ in range(PROCESSES):
            self._idle.put(None)

    def make(self, data: bytes, promised: str, media: Media) -> Renditions:
        """See variants.make; raises ImageRefusedError for a crash and for no answer too."""
        decoder = self._idle.get()
        try:
            for _ in range(TRIES):
                decoder = decoder or _Decoder(self._make)
                answer = decoder.ask(data, promised, media, self._seconds)
                if decoder.has_ended:
                    decoder = None
                if answer is not None:
                    break
        except BaseException:
            if decoder is not None:
                decoder.end()
            decoder = None
            raise
        finally:
            self._idle.put(decoder)
        if answer is None:
            raise ImageRefusedError(RefusalReason.DECODER_CRASHED)
        if isinstance(answer, RefusalReason):
            raise ImageRefusedError(answer)
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for _process in range(PROCESSES):
            decoder = self._idle.get()
            if decoder is not None:
                decoder.end()


class _Decoder:
    """One process, and our end of its pipe. has_ended: whether the process is gone."""

    def __init__(self, make: Make) -> None:
        self._pipe, its_end = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=_decode, args=(its_end, make), daemon=True)
        self._process.start()
        its_end.close()
        self.has_ended = False

    def ask(self, data: bytes, promised: str, media: Media, seconds: float) -> Renditions | RefusalReason | None:
        """The result for one image; None if the process died by itself."""
        # The process is killed, because a send and a receive wait for it without limit.
        overdue = threading.Event()

        def expire() -> None:
            overdue.set()
            self._process.kill()

        timer = threading.Timer(seconds, expire)
        timer.start()
        try:
            self._pipe.send((data, promised, media))
            answer: Renditions | RefusalReason = self._pipe.recv()
        except (EOFError, OSError):
            self.end()
            return RefusalReason.DECODER_TIMED_OUT if overdue.is_set() else None
        finally:
            timer.cancel()
        return answer

    def end(self) -> None:
        """Kill the process."""
        self.has_ended = True
        self._pipe.close()
        self._process.kill()
        self._process.join()


def _decode(pipe: "Connection[Renditions | RefusalReason, tuple[bytes, str, Media]]", make: Make) -> None:
    """The work of a process, until the other end of its pipe is closed."""
    with suppress(EOFError, OSError):
        while True:
            try:
                answer: Renditions | RefusalReason = make(*pipe.recv())
            except ImageRefusedError as refused:
                answer = refused.reason
            pipe.send(answer)
