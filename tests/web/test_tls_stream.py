"""TLS without sockets: a client of Python's ssl at the other end of the buffers."""

import ssl

import pytest

from agent.policy.problems import Mark, Problems
from agent.web.tls_context import new_context
from agent.web.tls_stream import NotTlsError, TlsError, TlsStream
from agent.web.web_config import ClientAuth, NamedFile, Tls
from tests.web.issued import Authority, authority
from tests.web.tls_client import Client


def server(ca: Authority, auth: ClientAuth = ClientAuth.NONE) -> TlsStream:
    """The server's side, as a configuration makes it."""
    files = [NamedFile(ca.folder / name, Mark("web.yml", 1)) for name in ("server.pem", "server.key", "ca.pem")]
    made = new_context(Tls(files[0], files[1], auth, files[2]), Problems())
    assert made is not None
    return TlsStream(made[0])


def meet(stream: TlsStream, client: Client) -> None:
    """Shake hands."""
    to_server = client.shake()
    while to_server:
        assert b"" == stream.receive(to_server)
        to_server = client.shake(stream.to_send())
    assert stream.established


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("size", [1, 10, 100_000])
def test_whole_and_in_pieces(version: ssl.TLSVersion, size: int, ca: Authority) -> None:
    """However the bytes arrive, what was said is what is heard, both ways."""
    stream, client = server(ca), Client(ca, version=version)
    to_server = client.shake()
    while to_server:
        for start in range(0, len(to_server), size):
            assert b"" == stream.receive(to_server[start : start + size])
        to_server = client.shake(stream.to_send())
    assert (True, frozenset()) == (stream.established, stream.client_names())
    spoken = client.say(b"GET / HTTP/1.1\r\n\r\n")
    heard = [stream.receive(spoken[start : start + size]) for start in range(0, len(spoken), size)]
    assert b"GET / HTTP/1.1\r\n\r\n" == b"".join(heard)
    stream.send(answer := bytes(range(256)) * 2_000)
    assert answer == client.hear(stream.to_send())


def test_the_end(ca: Authority) -> None:
    """A client that has said all is noticed, what it said first is not lost, and we say goodbye too."""
    stream, client = server(ca), Client(ca)
    meet(stream, client)
    assert b"last words" == stream.receive(client.say(b"last words") + client.goodbye())
    assert stream.ended
    stream.close()
    assert b"" != stream.to_send()


def test_goodbye_before_hello(ca: Authority) -> None:
    """There is nothing to say to somebody who has not been met."""
    stream = server(ca)
    stream.close()
    assert b"" == stream.to_send()


@pytest.mark.parametrize("data", [b"GET /metrics HTTP/1.1\r\n\r\n", b"\x15\x03\x01", b"\x80\x2e\x01", b"\n"])
def test_no_tls_at_all(data: bytes, ca: Authority) -> None:
    """The first byte tells."""
    with pytest.raises(NotTlsError):
        server(ca).receive(data)


def test_noise_instead_of_a_handshake(ca: Authority) -> None:
    """It begins like TLS and is none: an error, not a hang, and not about a certificate."""
    stream = server(ca)
    with pytest.raises(TlsError) as caught:
        stream.receive(b"\x16\x03\x01\x00\x05" + b"noise" * 10)
    assert not caught.value.is_about_certificate


def test_a_record_that_was_changed(ca: Authority) -> None:
    """After the handshake too: what was changed on the way is not read."""
    stream, client = server(ca), Client(ca)
    meet(stream, client)
    spoken = bytearray(client.say(b"hello"))
    spoken[-1] ^= 1
    with pytest.raises(TlsError):
        stream.receive(bytes(spoken))


def test_a_certificate_that_is_asked_for(ca: Authority) -> None:
    """The client's names are known once it is verified."""
    stream = server(ca, ClientAuth.REQUIRE)
    meet(stream, Client(ca, certificate="client"))
    assert {"client"} == stream.client_names()


def test_certificates_that_are_not_taken(ca: Authority) -> None:
    """None, one of another CA, one that has run out, one for servers: each is about the certificate, and told by alert."""
    other = authority(ca.folder.parent / "other")
    (ca.folder / "other.pem").write_bytes(other.issue("other").read_bytes())
    (ca.folder / "other.key").write_bytes((other.folder / "other.key").read_bytes())
    ca.issue("late", days=-1)
    for certificate in (None, "other", "late", "server"):
        stream, client = server(ca, ClientAuth.REQUIRE), Client(ca, certificate=certificate)
        stream.receive(client.shake())
        with pytest.raises(TlsError) as caught:
            stream.receive(client.shake(stream.to_send()))
        assert caught.value.is_about_certificate, certificate
        assert b"" != stream.to_send()
        assert not stream.established


def test_given_or_not(ca: Authority) -> None:
    """VerifyClientCertIfGiven lets in who has none, and whom it knows."""
    for certificate, names in ((None, set()), ("client", {"client"})):
        stream = server(ca, ClientAuth.VERIFY_IF_GIVEN)
        meet(stream, Client(ca, certificate=certificate))
        assert names == stream.client_names()


def test_no_session_is_resumed(ca: Authority) -> None:
    """A client that comes again is met from the beginning: its certificate is verified each time."""
    context = server(ca).context
    first = Client(ca, version=ssl.TLSVersion.TLSv1_3)
    meet(stream := TlsStream(context), first)
    stream.send(b"x")  # what OpenSSL has to say after a handshake goes out with this
    first.hear(stream.to_send())
    again = first.again()
    meet(TlsStream(context), again)
    assert not again.object.session_reused
