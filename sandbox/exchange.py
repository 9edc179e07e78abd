"""A request and a response, and what a platform's API is to the server: its hosts, and how it answers.

What does not belong here: sockets (`server`) and anything one platform does its own way.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl

from sandbox.faults import Fault, FaultKind, Purpose
from sandbox.world.entities import Platform

JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """What arrived. `host` is the platform's real host, `path` begins after it; header names are lower case."""

    method: str
    host: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def origin(self) -> str:
        """Where the client found the sandbox, such as http://127.0.0.1:41234."""
        return f"http://{self.headers.get('host', '127.0.0.1')}"

    def form(self) -> dict[str, str]:
        """The fields of a form body; of a query where there is no body."""
        text = self.body.decode("utf-8", "replace")
        return dict(parse_qsl(text, keep_blank_values=True)) if text else dict(self.query)

    def json(self) -> JSON:
        """The JSON object of the body; ValueError where it is anything else."""
        content = json.loads(self.body)
        if not isinstance(content, dict):
            raise ValueError("the body is not a JSON object")
        return content


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> "Response":
        body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        return cls(status, body, {"Content-Type": "application/json; charset=UTF-8", **(headers or {})})


class RefusedError(Exception):
    """The platform says no, with this response."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"HTTP {response.status}")
        self.response = response


@dataclass(frozen=True, slots=True)
class Subject:
    """What a request is about: its account (None: of no account), its page (from 1), and what it is for."""

    account_id: str | None = None
    page: int = 1
    purpose: Purpose = Purpose.PAGE


class Service(Protocol):
    """One platform's API. `handle` raises `RefusedError`, and minds only faults that shape a page or a job."""

    @property
    def platform(self) -> Platform: ...

    @property
    def hosts(self) -> tuple[str, ...]: ...

    def subject(self, request: Request) -> Subject: ...

    def handle(self, request: Request, fault: Fault | None) -> Response: ...

    def refusal(self, kind: FaultKind, fault: Fault) -> Response: ...
