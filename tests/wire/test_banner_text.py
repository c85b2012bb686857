"""Tests of telling protocols of text lines by their first lines."""

import pytest

from agent.wire.banner_text import TEXT, both_text, is_sip
from agent.wire.opening import Opening

CLIENT, SERVER = 0, 1


def told(data: bytes, direction: int, port: int = 40_000) -> str | None:
    """The first protocol of the table that claims the line, sent from or to a server's port."""
    opening = Opening(data[:64], len(data), 50_000, port, direction)
    return next((protocol for protocol, probe in TEXT if probe(opening)), None)


@pytest.mark.parametrize(
    ("protocol", "direction", "port", "data"),
    [
        ("ssh", CLIENT, 22, b"SSH-2.0-OpenSSH_9.6\r\n"),
        ("ssh", SERVER, 8000, b"SSH-1.99-Cisco-1.25\n"),
        ("smtp", SERVER, 25, b"220 mx.example.com ready\r\n"),
        ("smtp", SERVER, 40_000, b"220 mail.example.com ESMTP Postfix\r\n"),
        ("smtp", CLIENT, 40_000, b"EHLO client.example.com\r\n"),
        ("smtp", CLIENT, 587, b"helo [192.0.2.7]\r\n"),
        ("ftp", SERVER, 21, b"220 (vsFTPd 3.0.3)\r\n"),
        ("ftp", SERVER, 21, b"220 Welcome\r\n"),
        ("ftp", SERVER, 2121, b"220-FileZilla Server 1.8\r\n"),
        ("ftp", CLIENT, 21, b"USER anonymous\r\n"),
        ("ftp", CLIENT, 21, b"AUTH TLS\r\n"),
        ("pop3", SERVER, 110, b"+OK ready\r\n"),
        ("pop3", SERVER, 40_000, b"+OK POP3 server ready <1896.697@example.com>\r\n"),
        ("pop3", CLIENT, 110, b"CAPA\r\n"),
        ("imap", SERVER, 143, b"* OK ready\r\n"),
        ("imap", SERVER, 40_000, b"* OK [CAPABILITY IMAP4rev1] Dovecot ready.\r\n"),
        ("imap", CLIENT, 40_000, b"a001 LOGIN user secret\r\n"),
        ("imap", CLIENT, 143, b"1 CAPABILITY\r\n"),
        ("sip", CLIENT, 5060, b"INVITE sip:bob@example.com SIP/2.0\r\n"),
        ("sip", SERVER, 5060, b"SIP/2.0 100 Trying\r\n"),
        ("rtsp", CLIENT, 554, b"OPTIONS rtsp://192.0.2.2:8554/ RTSP/1.0\r\n"),
        ("rtsp", SERVER, 554, b"RTSP/1.0 200 OK\r\n"),
        ("vnc", SERVER, 5900, b"RFB 003.008\n"),
        ("xmpp", CLIENT, 5222, b"<?xml version='1.0'?><stream:stream to='example.com'"),
        ("xmpp", CLIENT, 5222, b"<stream:stream xmlns='jabber:client'>"),
        ("irc", CLIENT, 6667, b"NICK guest\r\nUSER guest 0 * :Guest\r\n"),
        ("irc", CLIENT, 6667, b"CAP LS 302\r\n"),
        ("irc", SERVER, 6667, b":irc.example.net NOTICE * :*** Looking up your hostname\r\n"),
        ("redis", CLIENT, 6379, b"*1\r\n$4\r\nPING\r\n"),
        ("gnutella", CLIENT, 6346, b"GNUTELLA CONNECT/0.6\r\n"),
        ("whois", CLIENT, 43, b"example.com\r\n"),
    ],
)
def test_told(protocol: str, direction: int, port: int, data: bytes) -> None:
    """A first line as these protocols send it, alone."""
    assert protocol == told(data, direction, port)


@pytest.mark.parametrize(
    ("direction", "port", "data"),
    [
        (SERVER, 40_000, b"220 ready\r\n"),  # FTP or SMTP
        (SERVER, 40_000, b"+OK\r\n"),  # Redis or POP3
        (CLIENT, 40_000, b"USER anonymous\r\n"),  # FTP or POP3
        (SERVER, 40_000, b"* OK\r\n"),
        (CLIENT, 40_000, b"example.com\r\n"),
        (CLIENT, 80, b"GET /SSH-2.0- HTTP/1.1\r\n"),
        (SERVER, 22, b"Not allowed at this time\r\n"),
        (CLIENT, 5060, b"hello"),
        (CLIENT, 40_000, b"OPTIONS * HTTP/1.1\r\n"),
        (CLIENT, 40_000, b"<?xml version='1.0'?><soap:Envelope"),
        (SERVER, 25, b"554 no\r\n"),
        (CLIENT, 40_000, b""),
    ],
)
def test_not_told(direction: int, port: int, data: bytes) -> None:
    """What could be of another protocol is left open."""
    assert None is told(data, direction, port)


def test_cut_inside() -> None:
    """Only 64 bytes of a long line are there: enough for the words that tell."""
    assert "sip" == told(b"REGISTER sip:" + b"x" * 100 + b" SIP/2.0\r\n", CLIENT)
    assert is_sip(Opening(b"NOTIFY tel:+1", 400, 5060, 5060, SERVER))


@pytest.mark.parametrize(
    ("protocol", "client", "server"),
    [
        ("ftp", b"USER anonymous\r\n", b"220 ready\r\n"),
        ("ftp", b"auth tls\r\n", b"220-Hello\r\n220 ready\r\n"),
        ("smtp", b"EHLO me.example\r\n", b"220 ready\r\n"),
        ("pop3", b"USER me\r\n", b"+OK\r\n"),
        ("pop3", b"CAPA\r\n", b"+OK hello\r\n"),
        (None, b"PING\r\n", b"+OK\r\n"),
        (None, b"USER me\r\n", b"hello\r\n"),
        (None, b"", b"220 ready\r\n"),
    ],
)
def test_both(protocol: str | None, client: bytes, server: bytes) -> None:
    """Two lines, each of several protocols, together of one."""
    assert protocol == both_text(client, server)
