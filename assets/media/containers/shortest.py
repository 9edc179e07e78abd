"""The end of coded data that has no length of its own."""

from collections.abc import Callable


def shortest(length: int, suffices: Callable[[int], bool]) -> int:
    """The least number of bytes that suffices, where `length` does, and more than enough always does.

    It is found by few tries where there is little or no surplus, and by some tens otherwise.
    """
    enough, step = length, 1
    while step < enough and suffices(enough - step):
        enough -= step
        step *= 2
    short = max(enough - step, 0)
    while enough - short > 1:
        middle = (enough + short) // 2
        if suffices(middle):
            enough = middle
        else:
            short = middle
    return enough
