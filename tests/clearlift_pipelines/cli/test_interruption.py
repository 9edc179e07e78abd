"""A command that does not hear a signal ends all the same: after its patience, or at the second signal."""

import signal
import subprocess
import sys

import pytest

DEAF = """
import signal, sys, time
from clearlift_pipelines.cli import interruption
interruption.PATIENCE_SECONDS = float(sys.argv[1])
with interruption.interruptible():
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: print("swallowed", flush=True))
    print("ready", flush=True)
    while True:
        time.sleep(600)
"""


@pytest.mark.parametrize(
    ("patience", "numbers"),
    [
        pytest.param(0.3, [signal.SIGTERM], id="patience"),
        pytest.param(600, [signal.SIGINT, signal.SIGTERM], id="second signal"),
        pytest.param(600, [signal.SIGINT, signal.SIGINT], id="the same again"),
    ],
)
def test_a_command_that_swallows_signals_ends(patience: float, numbers: list[signal.Signals]) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", DEAF, str(patience)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as deaf:
        assert deaf.stdout
        assert deaf.stderr
        assert deaf.stdout.readline() == "ready\n"
        *first, last = numbers
        for number in first:
            deaf.send_signal(number)
            assert deaf.stdout.readline() == "swallowed\n"
        deaf.send_signal(last)
        assert deaf.wait(timeout=60) == 128 + last
        assert deaf.stderr.read().strip() == "Ended at once. Run the same command again to go on."
