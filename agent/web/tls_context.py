"""How TLS shall be spoken, and the files that this names -> an ssl.SSLContext, or what is wrong with them."""

import ssl
import stat
from typing import Never

from agent.policy.problems import Problems
from agent.web.certificate import runs_out_s
from agent.web.web_config import ClientAuth, NamedFile, Tls

MAX_PEM_BYTES = 1024 * 1024
"""A chain is a few KiB, and a bundle of all public authorities 200 KiB."""

_MAX_FLIGHTS = 8
"""Turns of a handshake between two who agree: three, and one more where a curve is asked for (RFC 8446 section 2.1)."""


class _PassphraseError(Exception):
    """The key file wants a passphrase."""


def new_context(tls: Tls, problems: Problems) -> tuple[ssl.SSLContext, float] | None:
    """A context for the server's side, and when the certificate runs out, in seconds since the epoch.

    None when something is wrong; it has been added to `problems`.
    """
    contents = [_content(file, problems) for file in tls.files]
    certificate, key, *authorities = contents
    if certificate is None or key is None or None in authorities:
        return None
    try:
        runs_out = runs_out_s(certificate)
    except ValueError:
        remedy = (
            "it begins with -----BEGIN CERTIFICATE-----; the server's own comes first, then those that vouch for it"
        )
        problems.add(tls.certificate.mark, f"{tls.certificate.path} holds no certificate in PEM", remedy)
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    before = len(problems)
    _choose(context, tls)
    _take_key(context, tls, problems)
    if len(problems) == before and not _meets_a_client(context):
        what = "no client can come to terms with this: the key, the suites and the curve do not go together"
        problems.add(tls.key.mark, what, 'leave "cipher_suites" and "curve_preferences" out')
    if tls.client_ca is not None and authorities[0] is not None:
        _take_authorities(context, tls.client_ca, authorities[0], problems)
    if tls.client_auth is ClientAuth.REQUIRE:
        context.verify_mode = ssl.CERT_REQUIRED
    elif tls.client_auth is ClientAuth.VERIFY_IF_GIVEN:
        context.verify_mode = ssl.CERT_OPTIONAL
    return (context, runs_out) if len(problems) == before else None


def readable_by_others(tls: Tls) -> bool:
    """Whether every user of the machine can read the key."""
    return bool(tls.key.path.stat().st_mode & stat.S_IROTH)


def _content(file: NamedFile, problems: Problems) -> bytes | None:
    try:
        if not stat.S_ISREG(file.path.stat().st_mode):  # reading a pipe or a terminal would wait for somebody
            problems.add(file.mark, f"{file.path} is no file", "name a PEM file")
            return None
        with file.path.open("rb") as opened:
            content = opened.read(MAX_PEM_BYTES + 1)
    except OSError as error:
        remedy = "check the path, which begins at the folder of the web configuration, and who may read it"
        problems.add(file.mark, f"{file.path}: {error.strerror}", remedy)
        return None
    if len(content) > MAX_PEM_BYTES:
        problems.add(file.mark, f"{file.path} is larger than {MAX_PEM_BYTES} bytes", "name a PEM file")
        return None
    return content


def _take_key(context: ssl.SSLContext, tls: Tls, problems: Problems) -> None:
    def no_passphrase() -> Never:
        raise _PassphraseError

    path, mark = tls.key.path, tls.key.mark
    try:
        context.load_cert_chain(tls.certificate.path, path, password=no_passphrase)
    except _PassphraseError:
        remedy = "nobody is there to give it at a restart; openssl pkey -in it -out another file takes it off"
        problems.add(mark, f"the key in {path} has a passphrase", remedy)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            what, remedy = f"the key in {path} is not that of the certificate", "take both from the same issue"
        elif error.reason in {"EE_KEY_TOO_SMALL", "CA_MD_TOO_WEAK", "CA_KEY_TOO_SMALL"}:
            what = f"the certificate in {tls.certificate.path} is too weak for OpenSSL"
            remedy = "make one with a key of 2048 bits or more, or P-256, signed with SHA-256"
        else:
            what, remedy = f"{path} holds no private key in PEM", "it begins with -----BEGIN PRIVATE KEY-----"
        problems.add(mark, what, remedy)
    except OSError as error:  # it was there a moment ago
        problems.add(mark, f"{path}: {error.strerror}", "check who may read it")


def _take_authorities(context: ssl.SSLContext, file: NamedFile, content: bytes, problems: Problems) -> None:
    try:
        context.load_verify_locations(cadata=content.decode("ascii", "replace"))
    except ssl.SSLError:
        problems.add(file.mark, f"{file.path} holds no certificate in PEM", "name the CA's certificate, not its key")


def _choose(context: ssl.SSLContext, tls: Tls) -> None:
    """Set what needs no file."""
    context.minimum_version, context.maximum_version = tls.min_version, tls.max_version
    context.options |= ssl.OP_NO_RENEGOTIATION  # costs the server far more than the client, and nobody needs it
    if not tls.prefer_own_ciphers:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    if tls.ciphers:
        context.set_ciphers(":".join(tls.ciphers))
    if tls.curve is not None:
        context.set_ecdh_curve(tls.curve)
    context.set_alpn_protocols(["http/1.1"])
    # Nobody is let in by TLS 1.3 without being verified anew; Prometheus keeps its connection anyway. With TLS 1.2 OpenSSL
    # goes on with a session for up to two hours. It keeps at most 20,480 (SSL_CTX_sess_set_cache_size(3)), some
    # 20 MiB, and none of clients that take tickets, as all but hostile ones do.
    context.num_tickets = 0


def _meets_a_client(context: ssl.SSLContext) -> bool:
    """Whether a client that takes any certificate, and has OpenSSL's usual suites and curves, gets through."""
    open_to_all = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    open_to_all.check_hostname, open_to_all.verify_mode = False, ssl.CERT_NONE
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = (
        open_to_all.wrap_bio(to_client, to_server),
        context.wrap_bio(to_server, to_client, server_side=True),
    )
    for _ in range(_MAX_FLIGHTS):
        waiting = 0
        for side in sides:
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                waiting += 1
            except ssl.SSLError:
                return False
        if not waiting:
            return True
    return False
