"""Decoding in processes of its own: a decoder that crashes on hostile data takes no run with it.

Two at a time, an image each, so that a process which dies tells which image it was. The processes end with the one that
started them, however it ends: their pipe does.
"""

import multiprocessing
import queue
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Self

from assets.apps import Media
from assets.media.containers import Reason, RefusedError
from assets.media.variants import Made, make

PROCESSES = 2
# The second time in a fresh process: the machine may have killed the first one for reasons of its own.
TRIES = 2

Make = Callable[[bytes, str, Media], Made]
# Started anew, not forked: a run has threads.
_SPAWN = multiprocessing.get_context("spawn")


class Decoders:
    """`make` of variants.py, in other processes, from any number of threads. Used as a with-block.

    No process is started before the first use.
    """

    def __init__(self, make: Make = make) -> None:
        self._make = make
        self._places: queue.LifoQueue[_Decoder | None] = queue.LifoQueue()
        for _ in range(PROCESSES):
            self._places.put(None)

    def make(self, data: bytes, promised: str, media: Media) -> Made:
        """See variants.make; raises RefusedError, for a crash too."""
        decoder = self._places.get()
        try:
            for _ in range(TRIES):
                decoder = decoder or _Decoder(self._make)
                found = decoder.ask(data, promised, media)
                if found is not None:
                    break
                decoder = None
        except BaseException:
            if decoder is not None:
                decoder.end()
            decoder = None
            raise
        finally:
            self._places.put(decoder)
        if found is None:
            raise RefusedError(Reason.DECODER_CRASHED)
        if isinstance(found, Reason):
            raise RefusedError(found)
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for _place in range(PROCESSES):
            decoder = self._places.get()
            if decoder is not None:
                decoder.end()


class _Decoder:
    """One process, and our end of its pipe."""

    def __init__(self, make: Make) -> None:
        self._pipe, its_end = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=_decode, args=(its_end, make), daemon=True)
        self._process.start()
        its_end.close()

    def ask(self, data: bytes, promised: str, media: Media) -> Made | Reason | None:
        """What became of one image; None where the process died of it."""
        try:
            self._pipe.send((data, promised, media))
            found: Made | Reason = self._pipe.recv()
        except (EOFError, OSError):
            self.end()
            return None
        return found

    def end(self) -> None:
        """Kill the process, whatever it is at."""
        self._pipe.close()
        self._process.kill()
        self._process.join()


def _decode(pipe: "Connection[Made | Reason, tuple[bytes, str, Media]]", make: Make) -> None:
    """What a process does, until the other end of its pipe is closed."""
    with suppress(EOFError, OSError):
        while True:
            try:
                answer: Made | Reason = make(*pipe.recv())
            except RefusedError as refused:
                answer = refused.reason
            pipe.send(answer)
