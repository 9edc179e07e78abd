"""Faults that can be ordered of the sandbox, and the one that a request gets.

What does not belong here: how a platform words an error (each service), and how a connection is broken (`server`).
"""

import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sandbox.world.entities import PLATFORMS, Platform


class FaultKind(StrEnum):
    """What can go wrong, by who does it: the line, the platform's refusals, the pages, the jobs, the values."""

    HTTP_429 = "http_429"
    SERVER_ERROR = "server_error"
    TIMEOUT = "timeout"
    RESET = "reset"
    CUT_BODY = "cut_body"

    RATE_LIMITED = "rate_limited"
    ERROR_IN_200 = "error_in_200"
    TOKEN_EXPIRED = "token_expired"  # noqa: S105
    TOKEN_REVOKED = "token_revoked"  # noqa: S105
    ACCOUNT_INACTIVE = "account_inactive"
    TOO_MUCH_DATA = "too_much_data"

    DOUBLED_PAGE = "doubled_page"
    REPEATED_CURSOR = "repeated_cursor"

    JOB_STUCK = "job_stuck"
    JOB_FAILED = "job_failed"
    DOWNLOAD_EXPIRED = "download_expired"

    WRONG_TYPE = "wrong_type"
    MISSING_ID = "missing_id"
    UNKNOWN_ENUM = "unknown_enum"
    HUGE_STRING = "huge_string"


REFUSALS = frozenset(
    {
        FaultKind.RATE_LIMITED,
        FaultKind.ERROR_IN_200,
        FaultKind.TOKEN_EXPIRED,
        FaultKind.TOKEN_REVOKED,
        FaultKind.ACCOUNT_INACTIVE,
        FaultKind.TOO_MUCH_DATA,
    }
)
MALFORMED = frozenset({FaultKind.WRONG_TYPE, FaultKind.MISSING_ID, FaultKind.UNKNOWN_ENUM, FaultKind.HUGE_STRING})

_ONLY_AT: dict[FaultKind, frozenset[Platform]] = {
    FaultKind.TOO_MUCH_DATA: frozenset({"facebook"}),
    FaultKind.REPEATED_CURSOR: frozenset(
        {"google", "facebook", "tiktok"}
    ),  # Microsoft's entities and reports do not page
    FaultKind.JOB_STUCK: frozenset({"facebook", "tiktok", "microsoft"}),
    FaultKind.JOB_FAILED: frozenset({"facebook", "tiktok", "microsoft"}),
    FaultKind.DOWNLOAD_EXPIRED: frozenset({"tiktok", "microsoft"}),
}
_HUGE = 10_000_000


class Purpose(StrEnum):
    """What a request is for: a page of rows, a report job to start, to look at or to fetch, a token."""

    PAGE = "page"
    SUBMIT = "submit"
    POLL = "poll"
    DOWNLOAD = "download"
    TOKEN = "token"  # noqa: S105


_ROWS = frozenset({Purpose.PAGE, Purpose.DOWNLOAD})
_ONLY_FOR: dict[FaultKind, frozenset[Purpose]] = {
    FaultKind.DOUBLED_PAGE: _ROWS,
    FaultKind.REPEATED_CURSOR: frozenset({Purpose.PAGE}),
    FaultKind.JOB_STUCK: frozenset({Purpose.POLL}),
    FaultKind.JOB_FAILED: frozenset({Purpose.POLL}),
    FaultKind.DOWNLOAD_EXPIRED: frozenset({Purpose.DOWNLOAD}),
    **dict.fromkeys(MALFORMED, _ROWS),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One order. None matches everything; `path` matches by being part of the path. A fault of rows meets only
    requests for rows, a fault of jobs only their polls or downloads, and any other fault meets a request for a token
    only if its path is named.

    It lets `nth - 1` matching requests pass, then meets the next `times` of them (None: all that follow).
    `retry_after` is in seconds (None: the answer does not say when to come back); `seconds` is how long a TIMEOUT
    holds the line; `status` is the code of a SERVER_ERROR.
    """

    kind: FaultKind
    platform: Platform | None = None
    path: str | None = None
    account_id: str | None = None
    page: int | None = None
    nth: int = 1
    times: int | None = 1
    retry_after: int | None = None
    seconds: float = 60.0
    status: int = 503

    def __post_init__(self) -> None:
        if self.platform is not None and self.platform not in PLATFORMS:
            raise ValueError(f"no platform {self.platform!r}; there are {', '.join(PLATFORMS)}")
        if self.platform is not None and self.platform not in _ONLY_AT.get(self.kind, frozenset(PLATFORMS)):
            raise ValueError(f"{self.kind} does not happen at {self.platform}")
        if self.nth < 1 or (self.times is not None and self.times < 1):
            raise ValueError("nth and times count from 1")

    @classmethod
    def of_json(cls, order: dict[str, Any]) -> "Fault":
        """An order as it came over the wire; ValueError names what is wrong with it."""
        unknown = order.keys() - set(cls.__dataclass_fields__)
        if unknown:
            raise ValueError(f"a fault has no {', '.join(sorted(unknown))}")
        if order.get("kind") not in set(FaultKind):
            raise ValueError(f"no fault {order.get('kind')!r}; there are {', '.join(FaultKind)}")
        return cls(**{**order, "kind": FaultKind(order["kind"])})


class FaultOrders:
    """The orders in force. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orders: list[Fault] = []
        self._seen: list[int] = []

    def order(self, *faults: Fault) -> None:
        with self._lock:
            self._orders += faults
            self._seen += [0] * len(faults)

    def clear(self) -> None:
        with self._lock:
            self._orders.clear()
            self._seen.clear()

    def take(self, platform: Platform, path: str, account_id: str | None, page: int, purpose: Purpose) -> Fault | None:
        """The fault that meets this request: the first order in force that matches. Every matching order counts it."""
        met = None
        with self._lock:
            for index, fault in enumerate(self._orders):
                if not _matches(fault, platform, path, account_id, page, purpose):
                    continue
                self._seen[index] += 1
                due = self._seen[index] - fault.nth
                if met is None and due >= 0 and (fault.times is None or due < fault.times):
                    met = fault
        return met


def _matches(fault: Fault, platform: Platform, path: str, account_id: str | None, page: int, purpose: Purpose) -> bool:
    everything_else = frozenset(Purpose) - ({Purpose.TOKEN} if fault.path is None else set())
    if purpose not in _ONLY_FOR.get(fault.kind, everything_else):
        return False
    return (
        platform in ({fault.platform} if fault.platform else _ONLY_AT.get(fault.kind, frozenset(PLATFORMS)))
        and (fault.path is None or fault.path in path)
        and (fault.account_id is None or fault.account_id == account_id)
        and (fault.page is None or fault.page == page)
    )


def malform(rows: list[dict[str, Any]], fault: Fault | None) -> list[dict[str, Any]]:
    """The rows of a page with the first of them spoilt, if that is what the fault asks for.

    WRONG_TYPE puts an object where a number or a name was; MISSING_ID takes the ids out; UNKNOWN_ENUM changes (or
    adds) a status; HUGE_STRING puts 10 MB into a name (or adds one).
    """
    if fault is None or fault.kind not in MALFORMED or not rows:
        return rows
    return [_spoilt(rows[0], fault.kind), *rows[1:]]


def doubled(rows: list[dict[str, Any]], fault: Fault | None) -> list[dict[str, Any]]:
    """The rows twice over, where a page that has no cursor is to be doubled."""
    return rows * 2 if fault is not None and fault.kind is FaultKind.DOUBLED_PAGE else rows


def _spoilt(row: dict[str, Any], kind: FaultKind) -> dict[str, Any]:
    if kind is FaultKind.MISSING_ID:
        return _without_ids(row)
    wanted, value = {
        FaultKind.WRONG_TYPE: (("impressions", "name"), {"unexpected": "object"}),
        FaultKind.UNKNOWN_ENUM: (("status",), "SANDBOX_UNHEARD_OF"),
        FaultKind.HUGE_STRING: (("name",), "x" * _HUGE),
    }[kind]
    for word in wanted:
        spoilt, found = _replaced(row, word, value)
        if found:
            return spoilt
    return {**row, wanted[-1]: value}


def _replaced(row: dict[str, Any], word: str, value: object) -> tuple[dict[str, Any], bool]:
    """The row with the first field whose name ends in `word` changed, and whether there was one."""
    for name, content in row.items():
        if isinstance(content, dict):
            changed, found = _replaced(content, word, value)
            if found:
                return {**row, name: changed}, True
        elif name.lower().endswith(word) and name != "resourceName":
            return {**row, name: value}, True
    return row, False


def _without_ids(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _without_ids(content) if isinstance(content, dict) else content
        for name, content in row.items()
        if not (name.lower() == "id" or name.endswith(("_id", "Id", "resourceName")))
    }
