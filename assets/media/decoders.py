"""Decoding in separate processes, so that hostile data which crashes a decoder does not crash the run.

Two processes run at once, each with one image, so that a process that dies shows which image killed it. They end when
the process that started them ends in any way, because their pipe is closed then.
"""

import multiprocessing
import queue
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

Make = Callable[[bytes, str, Media], Renditions]
# Processes are spawned, not forked, because a run has threads.
_SPAWN = multiprocessing.get_context("spawn")


class Decoders:
    """`make` of variants.py in other processes, for any number of threads. Used as a with-block.

    A process starts at its first use.
    """

    def __init__(self, make: Make = make) -> None:
        self._make = make
        self._idle: queue.LifoQueue[_Decoder | None] = queue.LifoQueue()
        for _ in range(PROCESSES):
            self._idle.put(None)

    def make(self, data: bytes, promised: str, media: Media) -> Renditions:
        """See variants.make; raises ImageRefusedError for a crash too."""
        decoder = self._idle.get()
        try:
            for _ in range(TRIES):
                decoder = decoder or _Decoder(self._make)
                answer = decoder.ask(data, promised, media)
                if answer is not None:
                    break
                decoder = None
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
    """One process, and our end of its pipe."""

    def __init__(self, make: Make) -> None:
        self._pipe, its_end = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=_decode, args=(its_end, make), daemon=True)
        self._process.start()
        its_end.close()

    def ask(self, data: bytes, promised: str, media: Media) -> Renditions | RefusalReason | None:
        """The result for one image; None if the process died."""
        try:
            self._pipe.send((data, promised, media))
            answer: Renditions | RefusalReason = self._pipe.recv()
        except (EOFError, OSError):
            self.end()
            return None
        return answer

    def end(self) -> None:
        """Kill the process."""
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
