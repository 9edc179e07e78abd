"""What a process that we started says: passed on as it comes, until nobody is to hear it any more."""

import os
import threading
from contextlib import suppress

CHUNK_BYTES = 65_536
# The last words of a process that ended; one that it left behind may hold its output open for longer.
LAST_WORDS_SECONDS = 5.0


class Output:
    """A pipe that a process writes to in the place of one of our own descriptors, and a thread that passes it on.

    writing: the process's end, which is to be `given` once it has it.
    """

    def __init__(self, to: int) -> None:
        self._to = to
        self._muted = threading.Event()
        self._reading, self.writing = os.pipe()
        self._thread = threading.Thread(target=self._pass_on, daemon=True)
        self._thread.start()

    def given(self) -> None:
        """Close our copy of the process's end: the pipe ends with the last process that has it."""
        os.close(self.writing)

    def mute(self) -> None:
        """Pass nothing on from now; the process may go on writing."""
        self._muted.set()

    def wait(self) -> None:
        """Until all is passed on that the process said."""
        self._thread.join(LAST_WORDS_SECONDS)

    def _pass_on(self) -> None:
        while said := os.read(self._reading, CHUNK_BYTES):
            # Where ours is closed, the process is not to wait for a reader.
            with suppress(OSError):
                while said and not self._muted.is_set():
                    said = said[os.write(self._to, said) :]
        os.close(self._reading)
