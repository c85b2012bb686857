"""The bytes of a web configuration file, in the format of Prometheus' exporters -> WebConfig, or all that is wrong.

The format is that of docs/web-configuration.md in prometheus/exporter-toolkit. What Python's ssl cannot do is refused
by name; docs/web-config.md lists it, and what is taken without effect.
"""

import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from agent.policy.document import Table, Text, parse
from agent.policy.fields import Fields
from agent.policy.problems import Mark, Problem, Problems, did_you_mean, shown

MAX_USERS = 100
"""Basic authentication is for a few users (exporter-toolkit, "Performance"); more belong behind a proxy."""
MAX_BCRYPT_COST = 14
"""Each step doubles the time of a check: some 70 ms at 10, 1.1 s at 14. Prometheus gives up a scrape after 10 s."""
MAX_HEADER_BYTES = 4096
"""Of a header's value. It goes out with every answer, and clients take 8 KiB of headers or more."""

# Salt and hash in bcrypt's own base64; the salt's 128 bits leave four zero bits in its last character.
_bcrypt_hash = re.compile(r"\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}")
_user = re.compile(r"[^:\x00-\x1f\x7f]{1,255}")  # RFC 7617 section 2: no colon, no control character
_header_value = re.compile(rf"[\x20-\x7e]{{1,{MAX_HEADER_BYTES}}}")
_header_remedy = f"give it one of at most {MAX_HEADER_BYTES} characters, or leave it out"
_duration = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:ns|us|ms|s|m|h))+")
_duration_part = re.compile(r"([0-9.]+)([a-z]+)")
_unit_s = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}

TLS_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
OLD_TLS_VERSIONS = frozenset({"TLS10", "TLS11"})
CURVES = {"CurveP256": "prime256v1", "CurveP384": "secp384r1", "CurveP521": "secp521r1", "X25519": "X25519"}
"""Go's names (crypto/tls.CurveID) -> OpenSSL's."""
CIPHERS = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
}
"""Go's secure suites for TLS 1.2 (crypto/tls.CipherSuites) -> OpenSSL's names, ciphers(1)."""
TLS13_CIPHERS = frozenset({"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"})
"""Taken without effect, as Go does: TLS 1.3 suites cannot be chosen there either."""

_tls_files = ("cert_file", "key_file")
_tls_inline = {"cert": "cert_file", "key": "key_file", "client_ca": "client_ca_file"}
_tls_optional = (
    *("client_auth_type", "client_ca_file", "client_allowed_sans", "min_version", "max_version"),
    *("cipher_suites", "prefer_server_cipher_suites", "curve_preferences"),
)
_headers: dict[str, tuple[str, ...]] = {
    "Content-Security-Policy": (),
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
}
"""Headers that may be set, and the values of those that know only some (exporter-toolkit, web/handler.go)."""


class ClientAuth(Enum):
    """What is asked of a client's certificate, by Go's names (crypto/tls.ClientAuthType)."""

    NONE = "NoClientCert"
    REQUEST = "RequestClientCert"
    """Go asks for one and looks at none; here none is asked for, which lets in the same clients."""
    REQUIRE_ANY = "RequireAnyClientCert"
    """Not to be had: Python's ssl asks for no certificate that it does not verify."""
    VERIFY_IF_GIVEN = "VerifyClientCertIfGiven"
    REQUIRE = "RequireAndVerifyClientCert"


VERIFYING = frozenset({ClientAuth.VERIFY_IF_GIVEN, ClientAuth.REQUIRE})


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file that the configuration names."""

    path: Path
    mark: Mark = field(compare=False)
    """Where it is named, for messages."""


@dataclass(frozen=True, slots=True)
class Tls:
    """How TLS is spoken."""

    certificate: NamedFile
    key: NamedFile
    client_auth: ClientAuth = ClientAuth.NONE
    client_ca: NamedFile | None = None
    """Whose signature a client's certificate must bear; there is one whenever `client_auth` verifies."""
    allowed_names: frozenset[str] = frozenset()
    """Subject alternative names, of which a client's certificate must bear one; empty: any will do."""
    min_version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    max_version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    ciphers: tuple[str, ...] = ()
    """OpenSSL's names, for TLS 1.2, best first; empty: OpenSSL's choice."""
    prefer_own_ciphers: bool = True
    curve: str | None = None
    """OpenSSL's name of the only curve; None: OpenSSL's choice."""

    @property
    def files(self) -> tuple[NamedFile, ...]:
        return (self.certificate, self.key) if self.client_ca is None else (self.certificate, self.key, self.client_ca)


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How often requests are answered: a bucket of `burst`, one more every `interval_s`."""

    interval_s: float
    burst: int


@dataclass(frozen=True, slots=True)
class WebConfig:
    """A whole web configuration. The one without arguments is that of a listener without a file."""

    tls: Tls | None = None
    users: Mapping[str, str] = field(default_factory=dict)
    """Name -> bcrypt hash; empty: nobody is asked."""
    headers: tuple[tuple[str, str], ...] = ()
    """Sent with every answer, in place of our own of the same name."""
    rate_limit: RateLimit | None = None

    @property
    def named(self) -> tuple[Path, ...]:
        """The files that it names."""
        return () if self.tls is None else tuple(file.path for file in self.tls.files)


class WebConfigError(Exception):
    """The web configuration cannot be used; str() is one problem per line, each with file, line and remedy."""

    def __init__(self, problems: Sequence[Problem], named: tuple[Path, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)
        self.named = named
        """The files that it names, some of which may be what is wrong."""


def parse_web_config(data: bytes, file: str, directory: Path, problems: Problems) -> WebConfig:
    """The configuration in `data`. What is wrong is added to `problems`, and left out of what is returned.

    Args:
        data: The file's bytes.
        file: Its name, as problems shall show it.
        directory: Where paths in it begin.
        problems: Gets everything that is wrong.
    """
    node = parse(data, file, problems)
    if node is None:
        return WebConfig()
    # A file that its editor has just emptied, or a disk that was full, must not take every protection away.
    if isinstance(node, Table) and not node.entries and b"{" not in data:
        remedy = 'write what shall be protected, or "{}" if it really is nothing'
        problems.add(Mark(file, 0), "the file is empty, and would leave the listener open to all", remedy)
        return WebConfig()
    sections = ("tls_server_config", "http_server_config", "basic_auth_users", "rate_limit")
    fields = Fields(node, "web configuration", problems, optional=sections)
    tls, http, rate = fields.node("tls_server_config"), fields.node("http_server_config"), fields.node("rate_limit")
    return WebConfig(
        tls=None
        if tls is None
        else _tls(
            Fields(tls, "tls_server_config", problems, required=_tls_files, optional=(*_tls_inline, *_tls_optional)),
            directory,
        ),
        users=_users(fields),
        headers=()
        if http is None
        else _http(Fields(http, "http_server_config", problems, optional=("http2", "headers"))),
        rate_limit=None
        if rate is None
        else _rate_limit(Fields(rate, "rate_limit", problems, required=("interval", "burst"))),
    )


def _tls(fields: Fields, directory: Path) -> Tls | None:
    problems = fields.problems
    for key in (key for key in _tls_inline if key in fields):
        problems.add(
            fields.mark_of(key),
            f'"{key}" holds PEM text, which is not read from here',
            f'write it to a file and name that with "{_tls_inline[key]}"',
        )
    certificate, key_file = _file(fields, "cert_file", directory), _file(fields, "key_file", directory)
    client_auth, client_ca = _client_auth(fields), _file(fields, "client_ca_file", directory)
    if client_auth in VERIFYING and client_ca is None:
        what = f"{client_auth.value} without a CA would take the certificates of every public one"
        problems.add(fields.mark_of("client_auth_type"), what, 'name your own with "client_ca_file"')
    if client_ca is not None and client_auth not in VERIFYING:
        remedy = 'say "client_auth_type: RequireAndVerifyClientCert", or leave the CA out'
        problems.add(client_ca.mark, "a CA for clients is named, but none is verified", remedy)
    names = frozenset(text.text for text in fields.texts("client_allowed_sans"))
    if names and client_auth is not ClientAuth.REQUIRE:
        remedy = 'say "client_auth_type: RequireAndVerifyClientCert"'
        problems.add(fields.mark_of("client_allowed_sans"), "names are allowed, but no certificate is required", remedy)
    least, most = _version(fields, "min_version", "TLS12"), _version(fields, "max_version", "TLS13")
    if least > most:
        problems.add(fields.mark_of("min_version"), "min_version is above max_version", "exchange them")
    if certificate is None or key_file is None:
        return None
    return Tls(
        certificate=certificate,
        key=key_file,
        client_auth=client_auth,
        client_ca=client_ca,
        allowed_names=names,
        min_version=least,
        max_version=most,
        ciphers=_ciphers(fields),
        prefer_own_ciphers=_flag(fields, "prefer_server_cipher_suites", default=True),
        curve=_curve(fields),
    )


def _file(fields: Fields, key: str, directory: Path) -> NamedFile | None:
    text = fields.text(key)
    return None if text is None else NamedFile(directory / text.text, text.mark)


def _client_auth(fields: Fields) -> ClientAuth:
    name = fields.choice("client_auth_type", [kind.value for kind in ClientAuth])
    kind = ClientAuth.NONE if name is None else ClientAuth(name)
    if kind is ClientAuth.REQUIRE_ANY:
        what = f'"{kind.value}" takes certificates that anybody made for themselves, which is not offered'
        remedy = 'say "RequireAndVerifyClientCert" and name a CA with "client_ca_file"'
        fields.problems.add(fields.mark_of("client_auth_type"), what, remedy)
    return kind


def _version(fields: Fields, key: str, default: str) -> ssl.TLSVersion:
    text = fields.text(key)
    if text is not None and text.text in OLD_TLS_VERSIONS:
        what, remedy = f'"{key}": {text.text} is deprecated (RFC 8996) and not offered', "say TLS12 or TLS13"
        fields.problems.add(text.mark, what, remedy)
        return TLS_VERSIONS[default]
    return TLS_VERSIONS[fields.choice(key, TLS_VERSIONS) or default]


def _ciphers(fields: Fields) -> tuple[str, ...]:
    chosen = fields.texts("cipher_suites")
    known = {*CIPHERS, *TLS13_CIPHERS}
    for text in (text for text in chosen if text.text not in known):
        remedy = did_you_mean(text.text, known)
        fields.problems.add(text.mark, f'"cipher_suites": {shown(text.text)} is not offered', remedy)
    if chosen and all(text.text in TLS13_CIPHERS for text in chosen):
        remedy = 'leave "cipher_suites" out, and say "min_version: TLS13" if that is meant'
        what = 'only suites of TLS 1.3 stand in "cipher_suites", and those cannot be chosen'
        fields.problems.add(fields.mark_of("cipher_suites"), what, remedy)
    return tuple(CIPHERS[text.text] for text in chosen if text.text in CIPHERS)


def _curve(fields: Fields) -> str | None:
    chosen = fields.texts("curve_preferences")
    if len(chosen) > 1:
        what = '"curve_preferences" names several curves, and Python\'s ssl can set one'
        fields.problems.add(fields.mark_of("curve_preferences"), what, "name one, or leave it out for OpenSSL's choice")
    for text in (text for text in chosen if text.text not in CURVES):
        remedy = did_you_mean(text.text, CURVES)
        fields.problems.add(text.mark, f'"curve_preferences": {shown(text.text)} is not known', remedy)
    return CURVES.get(chosen[0].text) if chosen else None


def _flag(fields: Fields, key: str, *, default: bool) -> bool:
    chosen = fields.choice(key, ("true", "false"))
    return default if chosen is None else chosen == "true"


def _http(fields: Fields) -> tuple[tuple[str, str], ...]:
    # Taken without effect: a client that offers HTTP/2 is answered with HTTP/1.1 (RFC 7301 section 3.2).
    _flag(fields, "http2", default=True)
    headers = []
    for name, mark, node in fields.entries("headers"):
        if name not in _headers:
            fields.problems.add(mark, f"the header {shown(name)} cannot be set", did_you_mean(name, _headers))
            continue
        if not isinstance(node, Text) or not _header_value.fullmatch(node.text):
            fields.problems.add(mark, f"the value of {name} is no line of plain ASCII", _header_remedy)
            continue
        allowed = _headers[name]
        if allowed and node.text not in allowed:
            fields.problems.add(mark, f"{name} cannot be {shown(node.text)}", f"say {' or '.join(allowed)}")
            continue
        headers.append((name, node.text))
    return tuple(headers)


def _users(fields: Fields) -> Mapping[str, str]:
    """Names and hashes. Messages repeat neither: somebody's password may stand where its hash belongs."""
    entries = fields.entries("basic_auth_users")
    if isinstance(fields.node("basic_auth_users"), Table) and not entries:
        what = '"basic_auth_users" names nobody, and would let everybody in'
        fields.problems.add(fields.mark_of("basic_auth_users"), what, "name a user, or leave it out")
    if len(entries) > MAX_USERS:
        what = f"more than {MAX_USERS} users"
        fields.problems.add(fields.mark_of("basic_auth_users"), what, "use client certificates, or a proxy in front")
    users = {}
    for name, mark, node in entries:
        if not _user.fullmatch(name):
            remedy = "use letters and digits, at most 255; a colon ends the name"
            fields.problems.add(mark, "this is no name of a user", remedy)
            continue
        matched = _bcrypt_hash.fullmatch(node.text) if isinstance(node, Text) else None
        if matched is None or not isinstance(node, Text):
            fields.problems.add(mark, "this user's password is no bcrypt hash", 'make one with "hallwatch password"')
            continue
        if not 4 <= int(matched[1]) <= MAX_BCRYPT_COST:
            what = f"the cost of this user's hash is {int(matched[1])}"
            remedy = f"4 to {MAX_BCRYPT_COST} will do, or a scrape waits too long; see hallwatch password --cost"
            fields.problems.add(mark, what, remedy)
            continue
        users[name] = node.text
    return users


def _rate_limit(fields: Fields) -> RateLimit | None:
    interval, burst = fields.text("interval"), fields.text("burst")
    if interval is None or burst is None:
        return None
    if interval.text == "0":  # Go's way to say that there is none
        return None
    if not _duration.fullmatch(interval.text):
        fields.problems.add(interval.mark, f"{shown(interval.text)} is no duration", "say 100ms, 1s or 1m30s")
        return None
    interval_s = sum(float(number) * _unit_s[unit] for number, unit in _duration_part.findall(interval.text))
    if not re.fullmatch(r"[1-9][0-9]{0,5}", burst.text):
        remedy = "a number from 1 to 999999; without a burst nothing would ever be answered"
        fields.problems.add(burst.mark, f'"burst" cannot be {shown(burst.text)}', remedy)
        return None
    return RateLimit(interval_s, int(burst.text)) if interval_s else None
