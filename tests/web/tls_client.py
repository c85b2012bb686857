"""What a client wants to say -> bytes of TLS to send, and back, without sockets: Python's ssl between two buffers."""

import ssl
from contextlib import suppress
from copy import copy

import pytest

from tests.web.issued import Authority


class Client:
    """The other side: what it wants to send is taken from it, what it receives is given to it."""

    def __init__(self, ca: Authority, *, certificate: str | None = None, version: ssl.TLSVersion | None = None) -> None:
        context = ssl.create_default_context(cafile=str(ca.folder / "ca.pem"))
        context.check_hostname = False
        if version is not None:
            context.minimum_version = context.maximum_version = version
        if certificate is not None:
            context.load_cert_chain(ca.folder / f"{certificate}.pem", ca.folder / f"{certificate}.key")
        self._context = context
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.object = context.wrap_bio(self._incoming, self._outgoing)

    def again(self) -> "Client":
        """The same client on another connection, with the session of this one."""
        other = copy(self)
        other._incoming, other._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        other.object = self._context.wrap_bio(other._incoming, other._outgoing, session=self.object.session)
        return other

    def shake(self, data: bytes = b"") -> bytes:
        """Go on with the handshake; what is to be sent."""
        self._incoming.write(data)
        with suppress(ssl.SSLWantReadError):
            self.object.do_handshake()
        return self._outgoing.read()

    def say(self, data: bytes) -> bytes:
        self.object.write(data)
        return self._outgoing.read()

    def hear(self, data: bytes) -> bytes:
        self._incoming.write(data)
        parts = []
        try:
            while part := self.object.read(65536):
                parts.append(part)
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            pass
        return b"".join(parts)

    def goodbye(self) -> bytes:
        with pytest.raises(ssl.SSLWantReadError):
            self.object.unwrap()
        return self._outgoing.read()
