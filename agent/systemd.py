"""What becomes of the service -> datagrams to its service manager: ready, reloading, stopping, alive, and a line of status.

sd_notify(3), sd_watchdog_enabled(3). Without NOTIFY_SOCKET, as in a terminal, all of it is silence.
"""

import os
import socket
import time
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Final

from agent.log import EventLog

STATUS_S: Final = 5.0
"""A status line is for whoever types `systemctl status`: the manager need not hear of it more often."""
SEND_TIMEOUT_S: Final = 1.0
"""For what is said once. A manager that reads nothing for so long has other troubles than ours."""
BEATS_A_WATCHDOG: Final = 4
"""Twice as often as sd_watchdog_enabled(3) asks for, so that one lost datagram does no harm."""


class ServiceManager:
    """The socket of systemd, or of whoever else speaks its protocol.

    Args:
        log: is told when the manager cannot be reached, and when it can be again.
        environment: NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID are taken out of it, so that no child speaks for us.
    """

    def __init__(self, log: EventLog, environment: MutableMapping[str, str] = os.environ) -> None:
        self._log = log
        named = environment.pop("NOTIFY_SOCKET", "")
        period = environment.pop("WATCHDOG_USEC", "")
        owner = environment.pop("WATCHDOG_PID", str(os.getpid()))
        self._problem: str | None = None
        self._status = ""
        self._next_status_s = self._next_beat_s = 0.0
        self._beat_s = int(period) / 1e6 / BEATS_A_WATCHDOG if period.isdecimal() and owner == str(os.getpid()) else 0.0
        self._socket: socket.socket | None = None
        if named.startswith(("/", "@")):
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._address = "\0" + named[1:] if named.startswith("@") else named  # unix(7): the abstract names
        elif named:
            log.warning("service_manager_unknown", socket=named, problem="neither a path nor an abstract name")

    def ready(self) -> None:
        """The service does its work: it has started, or has reloaded."""
        self._send("READY=1")

    def stopping(self) -> None:
        """The service has begun to end."""
        self._send("STOPPING=1")

    @contextmanager
    def reloading(self) -> Iterator[None]:
        """Around a reload, whatever comes of it: afterwards the service is ready, with the new settings or the old."""
        # The time is what Type=notify-reload (systemd 253) tells this reload from an earlier one by; others ignore it.
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
        try:
            yield
        finally:
            self.ready()

    @property
    def wants_status(self) -> bool:
        """Whether it is time for another status line."""
        return self._socket is not None and time.monotonic() >= self._next_status_s

    def status(self, text: str) -> None:
        """One line on how it goes, at most every STATUS_S; what is said already is not said again."""
        if not self.wants_status:
            return
        self._next_status_s = time.monotonic() + STATUS_S
        if text != self._status:
            self._status = text
            self._send(f"STATUS={text}", wait_s=0.0)

    def alive(self) -> None:
        """Puts off the watchdog. Call it when work has really been done, never by a timer alone."""
        now_s = time.monotonic()
        if self._beat_s and now_s >= self._next_beat_s:
            self._next_beat_s = now_s + self._beat_s
            self._send("WATCHDOG=1", wait_s=0.0)

    def close(self) -> None:
        if self._socket:
            self._socket.close()
            self._socket = None

    def _send(self, words: str, *, wait_s: float = SEND_TIMEOUT_S) -> None:
        if self._socket is None:
            return
        problem = None
        try:
            self._socket.settimeout(wait_s)
            self._socket.sendto(words.encode(), self._address)
        except OSError as error:
            problem = error.strerror or str(error)
        if problem != self._problem:
            if problem:
                self._log.warning("service_manager_unreachable", problem=problem)
            else:
                self._log.info("service_manager_reached_again")
        self._problem = problem
