"""Signatures: what was signed by the key, and nothing else."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from agent.authority.signature import KeyFileError, holds, new_key, public_key, sign


def test_what_was_signed_holds() -> None:
    """A signature holds for its statement and its key alone."""
    private, public = new_key()
    _, other = new_key()
    signature = sign(private, b"statement")

    assert holds(public_key(public), signature, b"statement")
    assert not holds(public_key(public), signature, b"statement.")
    assert not holds(public_key(other), signature, b"statement")


@pytest.mark.parametrize("signature", ["", "00", "zz", "é", "0" * 128, "0" * 10_000])
def test_what_is_no_signature(signature: str) -> None:
    """Anything else does not hold, and raises nothing."""
    assert not holds(public_key(new_key()[1]), signature, b"statement")


def test_signed_for_another_purpose() -> None:
    """A bare Ed25519 signature over the same bytes does not hold: ours are over a context too."""
    private, public = new_key()
    key = load_pem_private_key(private, password=None)
    assert isinstance(key, Ed25519PrivateKey)

    assert not holds(public_key(public), key.sign(b"statement").hex(), b"statement")


def test_what_is_no_key() -> None:
    """Noise, the other half, and keys of another kind are refused."""
    private, public = new_key()
    exchange = X25519PrivateKey.generate()
    strange = exchange.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    strange_public = exchange.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for pem in (b"", b"noise", public, strange):
        with pytest.raises(KeyFileError):
            sign(pem, b"statement")
    for pem in (b"", b"noise", private, strange_public):
        with pytest.raises(KeyFileError):
            public_key(pem)
