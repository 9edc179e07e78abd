"""To whom alerts go: any service that apprise knows by a URL, or a file.

What belongs here: one try to deliver one message. What does not: when it is tried again (alerts.py).
"""

import json
import os
import warnings
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from assets.finding import Severity
from assets.health.message import Alert
from resources.declined import DeclinedError


class UndeliveredError(DeclinedError):
    """A receiver did not take an alert; it is tried again. The text holds nothing of its address."""

    retryable = True


class Receiver(Protocol):
    """Somebody who gets alerts."""

    name: str

    def send(self, alert: Alert) -> None:
        """Deliver a message; raises UndeliveredError."""


class LogFile:
    """A file with a JSON object a line: at, key, severity, title, body. For its owner alone where it is made here."""

    name = "a file"

    def __init__(self, path: Path, clock: Callable[[], datetime]) -> None:
        self._path = path
        self._clock = clock

    def send(self, alert: Alert) -> None:
        at = self._clock().isoformat(timespec="seconds")
        said = {"at": at, "key": alert.key, "severity": alert.severity, "title": alert.title, "body": alert.body}
        try:
            # One write of a file that is open for appending: lines of two processes do not mix.
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(descriptor, json.dumps(said).encode() + b"\n")
            finally:
                os.close(descriptor)
        except OSError as error:
            raise UndeliveredError(
                f"alerts cannot be written: {error.strerror}", "correct CLEARLIFT_ALERT_URL"
            ) from None


class Service:
    """A service by apprise's URL of it."""

    def __init__(self, url: str) -> None:
        # Half a second, for those alone who send.
        from apprise import Apprise, AppriseAsset

        self._service = Apprise(asset=AppriseAsset(async_mode=False, app_id="ClearLift Pipelines"))
        self.name = urlsplit(url).scheme
        with warnings.catch_warnings():
            # One of its plugins for e-mail imports a module that Python 3.13 removes.
            warnings.simplefilter("ignore", DeprecationWarning)
            known = self._service.add(url)
        if not known:
            raise ValueError(
                "no service of apprise is known by it; it begins as slack://, mailto://, json:// or file:///"
            )

    def send(self, alert: Alert) -> None:
        from apprise import NotifyFormat, NotifyType

        kind = NotifyType.FAILURE if alert.severity is Severity.CRITICAL else NotifyType.WARNING
        try:
            taken = self._service.notify(alert.body, alert.title, notify_type=kind, body_format=NotifyFormat.TEXT)
        except Exception as error:  # noqa: BLE001 (the text of any plugin may hold the address with its token)
            raise UndeliveredError(f"{self.name} failed with {type(error).__name__}", "`clearlift doctor`") from None
        if not taken:
            raise UndeliveredError(f"{self.name} did not take the alert", "correct CLEARLIFT_ALERT_URL")


def receiver_of(url: str, clock: Callable[[], datetime]) -> Receiver:
    """The receiver of a URL.

    Raises:
        ValueError: no service is known by it.
    """
    parts = urlsplit(url)
    if parts.scheme != "file":
        return Service(url)
    if parts.netloc or not parts.path.startswith("/") or parts.path.endswith("/"):
        raise ValueError("a file is named by its whole path, such as file:///var/log/clearlift/alerts.log")
    return LogFile(Path(unquote(parts.path)), clock)
