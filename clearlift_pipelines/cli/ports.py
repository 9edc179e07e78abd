"""Ports of 127.0.0.1 as an option, refused in one line where somebody else has them."""

import socket

import click


def refuse_busy(port: int) -> None:
    """Raises click.ClickException where the port is taken; 0 stands for any free one."""
    with socket.socket() as probe:
        # As servers do: the closed connections of one that has just ended do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise click.ClickException(
                f"port {port} is in use; choose another with --port ({error.strerror})"
            ) from None
