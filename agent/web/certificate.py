"""Certificates in PEM or DER -> when they run out, and the names that they bear."""

from cryptography import x509
from cryptography.x509.oid import ExtensionOID


def runs_out_s(pem: bytes) -> float:
    """When the first certificate of a chain to run out does so, in seconds since the epoch.

    Raises:
        ValueError: There is no certificate in `pem`, or one that cannot be read.
    """
    return min(one.not_valid_after_utc.timestamp() for one in x509.load_pem_x509_certificates(pem))


def alternative_names(der: bytes) -> frozenset[str]:
    """The DNS, e-mail, IP and URI names in a certificate's subjectAltName (RFC 5280 section 4.2.1.6), as Go spells them.

    A certificate that cannot be read bears no name.
    """
    try:
        extension = x509.load_der_x509_certificate(der).extensions.get_extension_for_oid(
            ExtensionOID.SUBJECT_ALTERNATIVE_NAME
        )
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return frozenset()
    names = extension.value
    assert isinstance(names, x509.SubjectAlternativeName)
    texts = [text for kind in _text_names for text in names.get_values_for_type(kind)]
    return frozenset(texts) | {str(address) for address in names.get_values_for_type(x509.IPAddress)}


_text_names = (x509.DNSName, x509.RFC822Name, x509.UniformResourceIdentifier)
