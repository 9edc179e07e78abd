"""Decoders in processes of their own: a crash refuses the image that caused it, and no process outlives a run."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from assets.apps import Media
from assets.media.containers import ImageRefusedError
from assets.media.decoders import Decoders
from assets.media.variants import Renditions, make
from tests.assets.media.media_stores import MEDIA
from tests.assets.media.photos import photo, picture

ROOT = Path(__file__).resolve().parents[3]
WORKING = """
import sys
from assets.media.decoders import Decoders
from tests.assets.media.media_stores import MEDIA
from tests.assets.media.photos import photo
if __name__ == "__main__":
    with Decoders() as decoders:
        decoders.make(photo(), "jpeg", MEDIA)
        print("made", flush=True)
        sys.stdin.readline()
"""


def crashing(data: bytes, promised: str, media: Media) -> Renditions:
    """A decoder with a fault."""
    if data == b"poison":
        os.kill(os.getpid(), signal.SIGKILL)
    return make(data, promised, media)


def hanging(data: bytes, promised: str, media: Media) -> Renditions:
    """A decoder that has no end for one image."""
    while data == b"poison":
        time.sleep(1)
    return make(data, promised, media)


def test_a_crash_refuses_the_image_that_caused_it_and_no_other() -> None:
    uploads = (
        [photo(picture(8, 8, seed=n)) for n in range(4)] + [b"poison"] + [photo(picture(9, 8, seed=n)) for n in (1, 2)]
    )

    def tried(data: bytes) -> str:
        try:
            return "made" if decoders.make(data, "jpeg", MEDIA) == make(data, "jpeg", MEDIA) else "other"
        except ImageRefusedError as refused:
            return refused.reason.value

    with Decoders(crashing) as decoders, ThreadPoolExecutor(4) as threads:
        assert list(threads.map(tried, uploads)) == ["made"] * 4 + ["decoder_crashed"] + ["made"] * 2


def test_a_decoder_that_never_answers_is_killed_and_the_others_go_on() -> None:
    uploads = [photo(picture(8, 8)), b"poison", b"poison", photo(picture(9, 8)), photo(picture(10, 8))]

    def tried(data: bytes) -> str:
        try:
            return f"{decoders.make(data, 'jpeg', MEDIA).width}"
        except ImageRefusedError as refused:
            return refused.reason.value

    with Decoders(hanging, seconds=8) as decoders, ThreadPoolExecutor(4) as threads:
        made = list(threads.map(tried, uploads))
    assert made == ["8", "decoder_timed_out", "decoder_timed_out", "9", "10"]


def test_a_refusal_comes_through_with_its_reason() -> None:
    with Decoders() as decoders, pytest.raises(ImageRefusedError) as caught:
        decoders.make(b"no image", "jpeg", MEDIA)
    assert caught.value.reason.value == "not_an_image"


def test_decoders_end_with_a_run_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "working.py"
    script.write_text(WORKING)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, script], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "made\n"
        children = psutil.Process(run.pid).children(recursive=True)
        assert children
        run.kill()
    _, alive = psutil.wait_procs(children, timeout=20)
    assert not alive
