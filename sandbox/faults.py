"""The faults that a test can order, and which of them a request meets.

What does not belong here: how a platform words an error (each service) and how a connection is broken (`listener`).
"""

import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sandbox.world.entities import PLATFORMS, Platform


class FaultKind(StrEnum):
    """What goes wrong, in groups: the connection, the platform's refusals, pages, jobs, values."""

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
    FOOTER_ANYWAY = "footer_anyway"

    WRONG_TYPE = "wrong_type"
    MISSING_ID = "missing_id"
    UNKNOWN_ENUM = "unknown_enum"
    HUGE_STRING = "huge_string"


REFUSALS = frozenset(
    {FaultKind.RATE_LIMITED, FaultKind.ERROR_IN_200, FaultKind.TOKEN_EXPIRED, FaultKind.TOKEN_REVOKED}
    | {FaultKind.ACCOUNT_INACTIVE, FaultKind.TOO_MUCH_DATA}
)
PAGING = frozenset({FaultKind.DOUBLED_PAGE, FaultKind.REPEATED_CURSOR})
MALFORMED = frozenset({FaultKind.WRONG_TYPE, FaultKind.MISSING_ID, FaultKind.UNKNOWN_ENUM, FaultKind.HUGE_STRING})

_ONLY_AT: dict[FaultKind, frozenset[Platform]] = {
    FaultKind.TOO_MUCH_DATA: frozenset({"facebook"}),
    FaultKind.REPEATED_CURSOR: frozenset({"google", "facebook", "tiktok"}),
    FaultKind.JOB_STUCK: frozenset({"facebook", "microsoft"}),
    FaultKind.JOB_FAILED: frozenset({"facebook", "microsoft"}),
    FaultKind.DOWNLOAD_EXPIRED: frozenset({"microsoft"}),
    FaultKind.FOOTER_ANYWAY: frozenset({"microsoft"}),
}
_HUGE = 10_000_000


class Purpose(StrEnum):
    """What a request is for: rows, the start, the state or the file of a report job, or a token."""

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
    FaultKind.FOOTER_ANYWAY: frozenset({Purpose.DOWNLOAD}),
    **dict.fromkeys(MALFORMED, _ROWS),
}


@dataclass(frozen=True, slots=True)
class Subject:
    """What a request is about: its account (None where it names no account), its page (from 1) and its purpose."""

    account_id: str | None = None
    page: int = 1
    purpose: Purpose = Purpose.PAGE


@dataclass(frozen=True, slots=True)
class Fault:
    """One order. A field that is None matches every request; `path` matches a part of the request's path.

    A fault of pages or values meets only requests for rows. A fault of jobs meets only polls or downloads. Any other
    fault meets a request for a token only if `path` is set.

    The first `nth - 1` matching requests pass. The next `times` requests meet the fault (None: all that follow).
    `retry_after` is in seconds (None: the answer does not say when to come back). `seconds` is how long a TIMEOUT
    keeps the client waiting. `status` is the HTTP status of a SERVER_ERROR.
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
        if self.platform is not None and self.platform not in _ONLY_AT.get(self.kind, PLATFORMS):
            raise ValueError(f"{self.kind} does not happen at {self.platform}")
        if self.nth < 1 or (self.times is not None and self.times < 1):
            raise ValueError("nth and times count from 1")

    @classmethod
    def of_json(cls, order: dict[str, Any]) -> "Fault":
        """The fault that a JSON object orders. Raises ValueError, which names the mistake."""
        unknown = order.keys() - set(cls.__dataclass_fields__)
        if unknown:
            raise ValueError(
                f"a fault has no {', '.join(sorted(unknown))}; it has {', '.join(cls.__dataclass_fields__)}"
            )
        if order.get("kind") not in set(FaultKind):
            raise ValueError(f"no fault {order.get('kind')!r}; there are {', '.join(FaultKind)}")
        return cls(**{**order, "kind": FaultKind(order["kind"])})

    def matches(self, platform: Platform, path: str, subject: Subject) -> bool:
        everything_else = frozenset(Purpose) - ({Purpose.TOKEN} if self.path is None else set())
        return (
            subject.purpose in _ONLY_FOR.get(self.kind, everything_else)
            and platform in ({self.platform} if self.platform else _ONLY_AT.get(self.kind, PLATFORMS))
            and (self.path is None or self.path in path)
            and self.account_id in (None, subject.account_id)
            and self.page in (None, subject.page)
        )


class FaultOrders:
    """The ordered faults. Safe to use from many threads."""

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

    def take(self, platform: Platform, path: str, subject: Subject) -> Fault | None:
        """The fault that this request meets: the first order that is due. Every order that matches counts it."""
        met = None
        with self._lock:
            for index, fault in enumerate(self._orders):
                if not fault.matches(platform, path, subject):
                    continue
                self._seen[index] += 1
                due = self._seen[index] - fault.nth
                if met is None and due >= 0 and (fault.times is None or due < fault.times):
                    met = fault
        return met


def malform(rows: list[dict[str, Any]], fault: Fault | None) -> list[dict[str, Any]]:
    """The rows of a page, the first of them malformed if the fault asks for it.

    WRONG_TYPE puts an object in the place of a number or a name. MISSING_ID removes the ids. UNKNOWN_ENUM changes (or
    adds) a status. HUGE_STRING puts 10 MB into a name (or adds one).
    """
    if fault is None or fault.kind not in MALFORMED or not rows:
        return rows
    return [_malformed(rows[0], fault.kind), *rows[1:]]


def whole_list(rows: list[dict[str, Any]], fault: Fault | None) -> list[dict[str, Any]]:
    """The same for a list without cursors: DOUBLED_PAGE sends its rows twice."""
    doubled = fault is not None and fault.kind is FaultKind.DOUBLED_PAGE
    return rows * 2 if doubled else malform(rows, fault)


def _malformed(row: dict[str, Any], kind: FaultKind) -> dict[str, Any]:
    if kind is FaultKind.MISSING_ID:
        return _without_ids(row)
    endings, value = {
        FaultKind.WRONG_TYPE: (("impressions", "name"), {"unexpected": "object"}),
        FaultKind.UNKNOWN_ENUM: (("status",), "SANDBOX_UNHEARD_OF"),
        FaultKind.HUGE_STRING: (("name",), "x" * _HUGE),
    }[kind]
    for ending in endings:
        changed = _replaced(row, ending, value)
        if changed is not None:
            return changed
    return {**row, endings[-1]: value}


def _replaced(row: dict[str, Any], ending: str, value: object) -> dict[str, Any] | None:
    """The row with the first field changed whose name ends in `ending`. None: no field's name does."""
    for name, content in row.items():
        if isinstance(content, dict):
            changed = _replaced(content, ending, value)
            if changed is not None:
                return {**row, name: changed}
        elif name.lower().endswith(ending) and name != "resourceName":
            return {**row, name: value}
    return None


def _without_ids(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _without_ids(content) if isinstance(content, dict) else content
        for name, content in row.items()
        if not (name.lower() == "id" or name.endswith(("_id", "Id", "resourceName")))
    }
