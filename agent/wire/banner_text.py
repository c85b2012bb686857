"""Openings of protocols that speak in lines of text -> which protocol it is. A table of probes for TCP."""

import re

from agent.wire.opening import Opening, Table

_MAIL_PORTS = (25, 465, 587, 2525)

_SIP = re.compile(
    rb"(?:INVITE|ACK|BYE|CANCEL|OPTIONS|REGISTER|PRACK|SUBSCRIBE|NOTIFY|PUBLISH|INFO|REFER|MESSAGE|UPDATE)"
    rb" (?:sips?|tel):"
    rb"|SIP/2\.0 [1-6]\d\d "
)
_RTSP = re.compile(rb"[A-Z_]{4,14} rtspu?://|RTSP/[12]\.0 [1-5]\d\d ")
_SSH = re.compile(rb"SSH-(?:1\.\d+|2\.0)-")
_VNC = re.compile(rb"RFB \d{3}\.\d{3}\n")
_SMTP_CLIENT = re.compile(rb"(?:EHLO|HELO) [!-~]+\r\n", re.IGNORECASE)
_SMTP_SERVER = re.compile(rb"220[ -][^\r\n]*SMTP", re.IGNORECASE)
_FTP_SERVER = re.compile(rb"220[ -][^\r\n]*(?:FTP|FileZilla)", re.IGNORECASE)
_FTP_CLIENT = re.compile(rb"(?:USER [^\r\n]{1,60}|AUTH (?:TLS|SSL)|FEAT|SYST|OPTS UTF8 ON)\r\n", re.IGNORECASE)
_POP3_SERVER = re.compile(rb"\+OK [^\r\n]*(?:POP|<[^>\r\n]+@[^>\r\n]+>)", re.IGNORECASE)
_POP3_CLIENT = re.compile(rb"(?:CAPA|STLS|AUTH|USER [^\r\n]{1,60}|APOP [^\r\n]{1,60})\r\n", re.IGNORECASE)
_IMAP_SERVER = re.compile(rb"\* (?:OK|PREAUTH)\b[^\r\n]*IMAP", re.IGNORECASE)
_IMAP_CLIENT = re.compile(rb"[0-9A-Za-z.]{1,12} (?:CAPABILITY|STARTTLS|ID [(N]|LOGIN |AUTHENTICATE )", re.IGNORECASE)
_IRC_CLIENT = re.compile(
    rb"CAP LS\b|NICK [^\s:]{1,40}\r?\n|PASS [^\r\n]{1,40}\r?\nNICK |USER [^\s]{1,40} [^\s]+ [^\s]+ :", re.IGNORECASE
)
_IRC_SERVER = re.compile(rb":[^\s]{1,50} (?:NOTICE (?:AUTH|\*) :|001 )|NOTICE AUTH :")
_XMPP = re.compile(rb"(?:<\?xml [^>]*\?>\s*)?<stream:stream[\s>]")
_REDIS = re.compile(rb"\*[1-9]\d?\r\n\$[1-9]\d{0,2}\r\n[A-Za-z]")
_WHOIS = re.compile(rb"[!-~][ -~]{0,61}\r\n")
_GNUTELLA = re.compile(rb"GNUTELLA(?: CONNECT)?/\d\.\d")


def is_sip(opening: Opening) -> bool:
    """RFC 3261 section 7; over UDP as well."""
    return _SIP.match(opening.data) is not None


def _ftp(opening: Opening) -> bool:
    if opening.from_client:
        return opening.server_port == 21 and _FTP_CLIENT.match(opening.data) is not None
    return _FTP_SERVER.match(opening.data) is not None or (
        opening.server_port == 21 and opening.data[:4] in (b"220 ", b"220-")
    )


def _smtp(opening: Opening) -> bool:
    if opening.from_client:
        return _SMTP_CLIENT.match(opening.data) is not None
    return _SMTP_SERVER.match(opening.data) is not None or (
        opening.server_port in _MAIL_PORTS and opening.data[:4] in (b"220 ", b"220-")
    )


def _pop3(opening: Opening) -> bool:
    if opening.from_client:
        return opening.server_port == 110 and _POP3_CLIENT.match(opening.data) is not None
    return _POP3_SERVER.match(opening.data) is not None or (opening.server_port == 110 and opening.data[:3] == b"+OK")


def _imap(opening: Opening) -> bool:
    if opening.from_client:
        return _IMAP_CLIENT.match(opening.data) is not None
    return _IMAP_SERVER.match(opening.data) is not None or (opening.server_port == 143 and opening.data[:5] == b"* OK ")


def _irc(opening: Opening) -> bool:
    pattern = _IRC_CLIENT if opening.from_client else _IRC_SERVER
    return pattern.match(opening.data) is not None


def _whois(opening: Opening) -> bool:
    """RFC 3912: one line, and nothing to know it by but the port."""
    return opening.server_port == 43 and opening.from_client and _WHOIS.fullmatch(opening.data) is not None


TEXT: Table = (
    ("ssh", lambda o: _SSH.match(o.data) is not None),  # RFC 4253 section 4.2
    ("smtp", _smtp),  # RFC 5321 sections 4.1.1.1 and 4.3.1
    ("ftp", _ftp),  # RFC 959 section 5.4
    ("pop3", _pop3),  # RFC 1939 section 4
    ("imap", _imap),  # RFC 9051 section 7.1
    ("sip", is_sip),
    ("rtsp", lambda o: _RTSP.match(o.data) is not None),  # RFC 7826 section 20
    ("vnc", lambda o: _VNC.match(o.data) is not None),  # RFC 6143 section 7.1.1
    ("xmpp", lambda o: _XMPP.match(o.data) is not None),  # RFC 6120 section 4.2
    ("irc", _irc),  # RFC 2812 section 3.1
    ("redis", lambda o: o.from_client and _REDIS.match(o.data) is not None),
    ("gnutella", lambda o: _GNUTELLA.match(o.data) is not None),
    ("whois", _whois),
)


def both_text(client: bytes, server: bytes) -> str | None:
    """The protocol of a client's and a server's first lines, each of which could have been of several."""
    if server[:4] in (b"220 ", b"220-"):
        if _FTP_CLIENT.match(client) is not None:
            return "ftp"
        if _SMTP_CLIENT.match(client) is not None:
            return "smtp"
    if server[:3] == b"+OK" and _POP3_CLIENT.match(client) is not None:
        return "pop3"
    return None
