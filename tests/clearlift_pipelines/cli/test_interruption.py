"""A command that does not hear a signal ends all the same: after its patience, or at the second signal."""

import signal
import subprocess
import sys

import pytest

DEAF = """
import sys, time
from clearlift_pipelines.cli import interruption
interruption.PATIENCE_SECONDS = float(sys.argv[1])
with interruption.interruptible():
    print("ready", flush=True)
    while True:
        try:
            time.sleep(600)
        except BaseException:
            print("swallowed", flush=True)
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
        for number in numbers:
            deaf.send_signal(number)
            assert deaf.stdout.readline() == "swallowed\n"
        assert deaf.wait(timeout=60) == 128 + numbers[-1]
        assert deaf.stderr.read().strip() == "Ended at once. Run the same command again to go on."
