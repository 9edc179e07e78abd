"""How long a job rests between its steps."""

import pytest

from resources.d1.pace import Pace


def test_a_step_rests_as_long_as_it_took() -> None:
    times = iter((10.0, 12.0, 20.0, 20.0))
    slept: list[float] = []
    pace = Pace(0.25, clock=lambda: next(times), sleep=slept.append)
    assert pace.step(lambda: "done") == "done"
    pace.step(lambda: None)
    assert slept == [6.0]
    with pytest.raises(ValueError, match="share"):
        Pace(0)
