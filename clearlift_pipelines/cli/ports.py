"""Ports as an option, refused in one line where somebody else has them."""

import errno
import socket

import click


def refuse_busy(port: int, host: str = "127.0.0.1") -> None:
    """Raises click.ClickException where nobody can listen there; the port 0 stands for any free one."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        # As servers do: the closed connections of one that has just ended do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            busy = f"port {port} is in use; choose another with --port"
            fault = busy if error.errno == errno.EADDRINUSE else f"no server can listen at {host}, port {port}"
            raise click.ClickException(f"{fault} ({error.strerror})") from None
