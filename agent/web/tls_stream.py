"""Bytes of a TLS connection -> what the client says in it, and answers -> bytes to send. No sockets: ssl.MemoryBIO.

The same below asyncio's loop and uvloop's, and it sees the first byte: someone who speaks plain HTTP to a TLS port can
be told so. What it holds between calls is what OpenSSL holds: at most a record of 16 KiB, or a handshake message of
100 KiB (SSL_CTX_set_max_cert_list(3)).
"""

import ssl
from contextlib import suppress

from agent.web.certificate import alternative_names

_HANDSHAKE_RECORD = 0x16
"""ContentType handshake(22), with which every TLS connection begins (RFC 8446 section 5.1)."""
_READ_BYTES = 64 * 1024


class NotTlsError(Exception):
    """The first byte begins no TLS record."""


class TlsError(Exception):
    """TLS went wrong and the connection is to be ended, after what `to_send` still holds."""

    def __init__(self, error: ssl.SSLError) -> None:
        super().__init__(str(error))
        self.is_about_certificate = (
            isinstance(error, ssl.SSLCertVerificationError) or error.reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE"
        )
        """Whether it was the client's certificate, or that there was none."""


class TlsStream:
    """The server's side of one TLS connection."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.context = context
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._begun = False
        self.established = False
        """Whether the handshake is done, and the client who it has to be."""
        self.ended = False
        """Whether the client has said that it sends no more."""

    def receive(self, data: bytes) -> bytes:
        """What the client said with these bytes; b"" as long as that is not known. Look at `to_send` afterwards.

        Raises:
            NotTlsError: This is not TLS at all; only for the first bytes.
            TlsError: The handshake failed, or a record cannot be read.
        """
        if not self._begun and data[:1] != bytes([_HANDSHAKE_RECORD]):
            raise NotTlsError
        self._begun = True
        self._incoming.write(data)
        said = []
        try:
            if not self.established:
                self._object.do_handshake()
                self.established = True
            while part := self._object.read(_READ_BYTES):
                said.append(part)
            self.ended = True
        except ssl.SSLWantReadError:
            pass  # the rest of a record, or of the handshake, is still on its way
        except ssl.SSLZeroReturnError:
            self.ended = True
        except ssl.SSLError as error:
            raise TlsError(error) from error
        return b"".join(said)

    def send(self, data: bytes) -> None:
        """Encrypt what shall be said."""
        rest = memoryview(data)
        while rest:
            rest = rest[self._object.write(rest) :]

    def close(self) -> None:
        """Say that nothing more will be said (RFC 8446 section 6.1), if the client can be told anything yet."""
        if not self.established:
            return
        # Want-read: the client has not said so itself yet, and need not. Any other: there is no way left to say it.
        with suppress(ssl.SSLError):
            self._object.unwrap()

    def to_send(self) -> bytes:
        """Bytes for the wire that have come together since the last call."""
        return self._outgoing.read()

    def client_names(self) -> frozenset[str]:
        """The alternative names in the client's certificate; none without one."""
        der = self._object.getpeercert(binary_form=True)
        return frozenset() if der is None else alternative_names(der)
