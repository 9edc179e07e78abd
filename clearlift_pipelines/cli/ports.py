"""Ports as an option, refused in one line where somebody else has them."""

import errno
import socket
from collections.abc import Callable
from typing import Any

import click

from resources.declined import DeclinedError


def loopback_port(default: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The option --port of a command that serves on loopback alone."""
    help_ = "Port on 127.0.0.1; 0 takes a free one."
    return click.option("--port", type=click.IntRange(0, 65535), default=default, show_default=True, help=help_)


def refuse_busy(port: int, host: str = "127.0.0.1") -> None:
    """Raises DeclinedError where nobody can listen there; the port 0 stands for any free one."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        # As servers do: the closed connections of one that has just ended do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            in_use = error.errno == errno.EADDRINUSE
            fault = f"port {port} is in use" if in_use else f"no server can listen at {host}, port {port}"
            raise DeclinedError(f"{fault} ({error.strerror})", "choose another with --port") from None
