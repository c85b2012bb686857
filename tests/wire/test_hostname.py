"""Tests of what may pass for a host name."""

import pytest

from agent.wire.hostname import MAX_NAME_BYTES, clean


@pytest.mark.parametrize(
    "name",
    [b"example.com", b"Example.COM.", b"_dmarc.example", b"*.example", b"xn--bcher-kva.example", b"a", b"192.0.2.1"],
)
def test_names_stay_as_they_are(name: bytes) -> None:
    """Names in use, odd ones too, come back unchanged."""
    assert name == clean(name)


@pytest.mark.parametrize("byte", [*range(0x21), *b"\"'`/\\<>", *range(0x7F, 0x100)])
def test_bytes_that_no_name_needs(byte: int) -> None:
    """Controls, spaces, quotes, slashes, angle brackets and bytes outside ASCII make it no name, anywhere."""
    for name in (b"%ca", b"a%cb", b"a%c"):
        assert None is clean(name % byte)


@pytest.mark.parametrize("name", [b"", b".", b"..", b".a", b"a..b", b"a" * (MAX_NAME_BYTES + 1)])
def test_shapes_that_are_no_name(name: bytes) -> None:
    """Nothing, empty labels and more than 255 bytes are no name."""
    assert None is clean(name)


def test_longest_name() -> None:
    """255 bytes are still a name."""
    assert MAX_NAME_BYTES == len(clean(b"a" * MAX_NAME_BYTES) or b"")
