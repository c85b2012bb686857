"""A statement's bytes and a key -> a signature (Ed25519, RFC 8032), and whether one holds."""

from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

PublicKey = Ed25519PublicKey

_CONTEXT: Final = b"hallwatch authorisation 1\n"
"""Before what is signed, so that no signature made for another purpose holds here."""


class KeyFileError(Exception):
    """A file that should hold a key holds none of the kind that is used here; the text says which."""


def new_key() -> tuple[bytes, bytes]:
    """A new private key and its public key, both as PEM (RFC 7468). The private one is not encrypted."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def sign(private_pem: bytes, statement: bytes) -> str:
    """The signature, in hex.

    Raises:
        KeyFileError: The key is none.
    """
    try:
        key = load_pem_private_key(private_pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyFileError('this is no private key that "hallwatch authorise --new-key" made') from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError("this private key is not of the kind Ed25519")
    return key.sign(_CONTEXT + statement).hex()


def public_key(public_pem: bytes) -> PublicKey:
    """The public key in a PEM file.

    Raises:
        KeyFileError: There is none.
    """
    try:
        key = load_pem_public_key(public_pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyFileError('this is no public key that "hallwatch authorise --new-key" made') from error
    if not isinstance(key, Ed25519PublicKey):
        raise KeyFileError("this public key is not of the kind Ed25519")
    return key


def holds(key: PublicKey, signature: str, statement: bytes) -> bool:
    """Whether `signature`, in hex, was made over `statement` by the key's other half."""
    try:
        key.verify(bytes.fromhex(signature), _CONTEXT + statement)
    except (InvalidSignature, ValueError):
        return False
    return True
