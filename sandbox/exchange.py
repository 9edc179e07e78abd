"""A request and a response as the platforms see them.

What does not belong here: sockets (`listener`) and anything that one platform does in its own way.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """A request. `host` is the platform's real host, `path` the path there. Header names are in lower case."""

    method: str
    host: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def origin(self) -> str:
        """The address at which the client found the sandbox, such as http://127.0.0.1:41234."""
        return f"http://{self.headers.get('host', '127.0.0.1')}"

    def form(self) -> dict[str, str]:
        """The fields of a form in the body."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    def json(self) -> JSON:
        """The JSON object in the body. Raises ValueError for any other body."""
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
    """The platform refuses the request with this response."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"HTTP {response.status}")
        self.response = response


def unanswered(what: str) -> RefusedError:
    """The refusal of a request that the real platform answers and the sandbox does not."""
    return RefusedError(Response.of({"error": f"The sandbox does not answer {what}."}, 501))


def retry_after(seconds: int | None) -> dict[str, str]:
    """The header that says when to come back. None: the answer does not say it."""
    return {} if seconds is None else {"Retry-After": str(seconds)}
