"""A port of loopback, for a program that has to be told one before it starts."""

import socket


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
