"""Several refusals as one."""

from resources.declined import DeclinedError


def test_a_next_step_that_several_share_is_said_once() -> None:
    several = [DeclinedError(f"{name} is live", "add --confirm") for name in ("a", "b")]
    together = DeclinedError.together([*several, DeclinedError("c is not there", "make it")])
    assert str(together) == "a is live; b is live; c is not there. Next: add --confirm; make it"
