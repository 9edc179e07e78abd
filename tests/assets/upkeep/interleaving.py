"""Interleaved actors: each has its own thread, one runs at a time, and a seed decides who continues at each operation.

A schedule is the sequence of those choices; the same seed gives the same one. No fixtures here.
"""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.assets.upkeep.operations import watched

Actor = Callable[[], None]


class _Part:
    """One actor: its thread, and the turn that it waits for."""

    def __init__(self, name: str, play: Actor) -> None:
        self.name = name
        self.play = play
        self.turn = threading.Semaphore(0)
        self.ended = False
        self.waits_for_lock = False
        self.failure: BaseException | None = None


class Interleaving:
    """Plays actors to their end. `lock` is the lake's: an actor that waits for it is not chosen before it is free."""

    def __init__(self) -> None:
        self.chance = random.Random(0)
        self.schedule: list[str] = []
        self._here = threading.local()
        self._holder: _Part | None = None
        self._stage = threading.Semaphore(0)

    def play(self, seed: int, actors: dict[str, Actor]) -> None:
        """Let the actors act, interleaved as `seed` says; an actor's failure is raised here."""
        self.chance = random.Random(seed)
        self.schedule = []
        threads = []
        parts = [_Part(name, actor) for name, actor in actors.items()]
        for part in parts:
            thread = threading.Thread(target=self._run, args=(part,), name=part.name)
            thread.start()
            threads.append(thread)
        with watched(self.pause):
            while waiting := [p for p in parts if not p.ended]:
                free = [p for p in waiting if not (p.waits_for_lock and self._holder is not None)]
                assert free, "all actors wait for the lock"
                self.chance.choice(free).turn.release()
                self._stage.acquire()
        for thread in threads:
            thread.join()
        for part in parts:
            if part.failure is not None:
                raise AssertionError(f"{part.name} failed in {' '.join(self.schedule)}") from part.failure

    def pause(self, operation: str) -> None:
        """Let another actor run before an operation. Does nothing outside an actor."""
        part = self._part
        if part is None:
            return
        self._stage.release()
        part.turn.acquire()
        self.schedule.append(f"{part.name}:{operation}")

    @contextmanager
    def lock(self) -> Iterator[None]:
        """The lake's lock."""
        part = self._part
        if part is None:
            yield
            return
        part.waits_for_lock = True
        self.pause("lock")
        part.waits_for_lock = False
        assert self._holder is None
        self._holder = part
        try:
            yield
        finally:
            self._holder = None

    @property
    def _part(self) -> _Part | None:
        """The actor that this thread is."""
        return getattr(self._here, "part", None)

    def _run(self, part: _Part) -> None:
        self._here.part = part
        part.turn.acquire()
        try:
            part.play()
        except BaseException as error:  # noqa: BLE001 (a thread's failure is the schedule's)
            part.failure = error
        part.ended = True
        self._stage.release()
