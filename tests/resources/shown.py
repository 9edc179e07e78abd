"""What any reader of an error may show of it. No fixtures here."""

import traceback


def everything(error: BaseException) -> str:
    """Texts and notes of an error and of all that it was raised from, and its trace as it is printed."""
    said: list[str] = []
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop()
        if id(one) not in seen:
            seen.add(id(one))
            said += [str(one), repr(one), *getattr(one, "__notes__", [])]
            waiting += [further for further in (one.__cause__, one.__context__) if further is not None]
    return "\n".join([*said, *traceback.format_exception(error)])
