"""Waiting for a server that a test has started."""

import socket
import time

_PATIENCE_SECONDS = 20


def wait_for_port(port: int) -> None:
    """Return once a port of the loopback accepts: a worker says that it started a moment before it listens."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
