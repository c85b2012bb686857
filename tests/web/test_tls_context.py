"""Keys, certificates and what they may be, against OpenSSL."""

import os
import ssl
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from agent.policy.problems import Mark, Problems, RulesError
from agent.web.tls_context import MAX_PEM_BYTES, new_context, readable_by_others
from agent.web.web_config import CIPHERS, CURVES, ClientAuth, NamedFile, Tls
from tests.web.issued import Authority, write_key


def named(path: Path, line: int = 1) -> NamedFile:
    """A file as a configuration names it."""
    return NamedFile(path, Mark("web.yml", line))


def tls_of(ca: Authority) -> Tls:
    """The server's certificate and key, named in lines 2 and 3."""
    return Tls(named(ca.folder / "server.pem", 2), named(ca.folder / "server.key", 3))


def problem_of(tls: Tls) -> str:
    """The one thing that is wrong."""
    problems = Problems()
    assert new_context(tls, problems) is None
    with pytest.raises(RulesError) as caught:
        problems.raise_if_any()
    (problem,) = caught.value.problems
    return str(problem)


def test_what_is_set(ca: Authority) -> None:
    """Versions, order of suites, verification and the CA reach OpenSSL; no renegotiation, no tickets of TLS 1.3."""
    tls = replace(
        tls_of(ca),
        client_auth=ClientAuth.REQUIRE,
        client_ca=named(ca.folder / "ca.pem"),
        min_version=ssl.TLSVersion.TLSv1_2,
        max_version=ssl.TLSVersion.TLSv1_2,
        ciphers=("ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256"),
        prefer_own_ciphers=False,
        curve="secp384r1",
    )
    made = new_context(tls, Problems())
    assert made is not None
    context, _ = made

    assert (tls.min_version, tls.max_version) == (context.minimum_version, context.maximum_version)
    assert ssl.CERT_REQUIRED is context.verify_mode
    assert 1 == len(context.get_ca_certs())
    old_suites = [suite["name"] for suite in context.get_ciphers() if suite["protocol"] != "TLSv1.3"]
    assert list(tls.ciphers) == old_suites
    assert not context.options & ssl.OP_CIPHER_SERVER_PREFERENCE
    assert context.options & ssl.OP_NO_RENEGOTIATION
    assert 0 == context.num_tickets


@pytest.mark.parametrize(
    ("auth", "mode"),
    [
        (ClientAuth.NONE, ssl.CERT_NONE),
        (ClientAuth.REQUEST, ssl.CERT_NONE),
        (ClientAuth.VERIFY_IF_GIVEN, ssl.CERT_OPTIONAL),
        (ClientAuth.REQUIRE, ssl.CERT_REQUIRED),
    ],
)
def test_client_auth(auth: ClientAuth, mode: ssl.VerifyMode, ca: Authority) -> None:
    """Each type is what OpenSSL calls it."""
    made = new_context(replace(tls_of(ca), client_auth=auth, client_ca=named(ca.folder / "ca.pem")), Problems())

    assert made is not None
    assert mode is made[0].verify_mode


@pytest.mark.parametrize("cipher", CIPHERS.values())
def test_openssl_knows_every_suite(cipher: str, ca: Authority) -> None:
    """No name in the table is one that OpenSSL silently leaves out."""
    made = new_context(replace(tls_of(ca), ciphers=(cipher,)), Problems())

    assert made is not None
    assert cipher in [suite["name"] for suite in made[0].get_ciphers()]


@pytest.mark.parametrize("curve", CURVES.values())
def test_openssl_knows_every_curve(curve: str, ca: Authority) -> None:
    """A curve that is unknown would be a ValueError."""
    assert new_context(replace(tls_of(ca), curve=curve), Problems()) is not None


def test_files_that_are_none(ca: Authority) -> None:
    """Absent, a folder, too large: told with the line that names it."""
    tls = tls_of(ca)
    assert "web.yml:2: " in (absent := problem_of(replace(tls, certificate=named(ca.folder / "none.pem", 2))))
    assert "No such file" in absent
    assert "web.yml:3: " in (folder := problem_of(replace(tls, key=named(ca.folder, 3))))
    assert "is no file" in folder
    large = ca.folder / "large.pem"
    large.write_bytes(b"x" * (MAX_PEM_BYTES + 1))
    assert "larger than" in problem_of(replace(tls, key=named(large, 3)))


def test_a_pipe_is_not_waited_for(ca: Authority) -> None:
    """Nobody may ever write to it."""
    pipe = ca.folder / "pipe"
    os.mkfifo(pipe)
    assert "is no file" in problem_of(replace(tls_of(ca), key=named(pipe, 3)))


def test_contents_that_are_not_right(ca: Authority) -> None:
    """Another key, a key with a passphrase, the files exchanged, a CA that is none."""
    tls = tls_of(ca)
    assert "not that of the certificate" in problem_of(replace(tls, key=named(ca.folder / "client.key", 3)))
    sealed = ca.folder / "sealed.key"
    write_key(sealed, ec.generate_private_key(ec.SECP256R1()), b"secret")
    assert "has a passphrase" in problem_of(replace(tls, key=named(sealed, 3)))
    assert "holds no certificate" in problem_of(replace(tls, certificate=tls.key))
    assert "holds no private key" in problem_of(replace(tls, key=named(ca.folder / "ca.pem", 3)))
    no_ca = replace(tls, client_auth=ClientAuth.REQUIRE, client_ca=named(ca.folder / "server.key", 5))
    assert "web.yml:5: " in (problem := problem_of(no_ca))
    assert "not its key" in problem


def test_who_can_read_the_key(ca: Authority) -> None:
    """A group may; everybody may not."""
    tls = tls_of(ca)
    assert not readable_by_others(tls)
    tls.key.path.chmod(0o640)
    assert not readable_by_others(tls)
    tls.key.path.chmod(0o644)
    assert readable_by_others(tls)


def test_suites_that_the_key_cannot_speak(ca: Authority) -> None:
    """Suites for RSA and a key that is not: found at the start, and not by every client that comes."""
    suites = replace(tls_of(ca), ciphers=("ECDHE-RSA-AES128-GCM-SHA256",))
    assert new_context(suites, Problems()) is not None  # TLS 1.3 is left
    assert "no client can come to terms" in problem_of(replace(suites, max_version=ssl.TLSVersion.TLSv1_2))
