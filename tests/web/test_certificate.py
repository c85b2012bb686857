"""Certificates: when they run out, and whose they are."""

import ssl
import time
from ipaddress import ip_address

import pytest
from cryptography import x509

from agent.web.certificate import alternative_names, runs_out_s
from tests.web.issued import Authority

DAY_S = 86_400


def test_the_first_of_a_chain_to_run_out_counts(ca: Authority) -> None:
    """A chain holds no longer than each of its certificates."""
    short, long = ca.issue("short", days=3).read_bytes(), ca.issue("long", days=20).read_bytes()

    for chain in (short + long, long + short):
        assert 3 * DAY_S == pytest.approx(runs_out_s(chain) - time.time(), abs=60)


@pytest.mark.parametrize(
    "pem", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_what_is_no_certificate(pem: bytes) -> None:
    """ValueError, and nothing else."""
    with pytest.raises(ValueError, match=r"."):
        runs_out_s(pem)


def test_names_are_spelt_as_go_does(ca: Authority) -> None:
    """DNS, e-mail, URI, and addresses in their short form; a common name is none of them."""
    names = (
        x509.DNSName("scraper.example.org"),
        x509.RFC822Name("ops@example.org"),
        x509.UniformResourceIdentifier("spiffe://example.org/scraper"),
        x509.IPAddress(ip_address("2001:db8:0:0::1")),
        x509.IPAddress(ip_address("10.0.9.3")),
    )
    der = ssl.PEM_cert_to_DER_cert(ca.issue("common", names=names).read_text())

    assert {
        *("scraper.example.org", "ops@example.org", "spiffe://example.org/scraper"),
        *("2001:db8::1", "10.0.9.3"),
    } == alternative_names(der)


def test_no_names(ca: Authority) -> None:
    """A CA's certificate bears none here, and neither does noise."""
    der = ssl.PEM_cert_to_DER_cert((ca.folder / "ca.pem").read_text())

    assert frozenset() == alternative_names(der) == alternative_names(b"noise")


@pytest.mark.parametrize("names", ["3002a300", "3003820180", "30", "300482029a9b", "3006870401020304ff"])
def test_names_that_cannot_be_read(names: str, ca: Authority) -> None:
    """An X.400 address, and names that break off or hold bytes that are no text: no name, and no error."""
    odd = x509.UnrecognizedExtension(x509.oid.ExtensionOID.SUBJECT_ALTERNATIVE_NAME, bytes.fromhex(names))
    der = ssl.PEM_cert_to_DER_cert(ca.issue("odd", instead_of_names=odd).read_text())

    assert frozenset() == alternative_names(der)
