"""Tests of the method and the Host value."""

import pytest

from agent.facts import HttpRequest
from agent.wire.cursor import Malformed
from agent.wire.http import MAX_METHOD_BYTES, normal_host, read_request


@pytest.mark.parametrize(
    ("value", "host"),
    [
        (b"example.com", b"example.com"),
        (b" \tWWW.Example.COM \t", b"www.example.com"),
        (b"example.com:8080", b"example.com"),
        (b"example.com:", b"example.com"),
        (b"example.com.", b"example.com"),
        (b"example.com.:80", b"example.com"),
        (b"192.0.2.1:80", b"192.0.2.1"),
        (b"[2001:DB8::1]", b"2001:db8::1"),
        (b"[2001:db8::1]:443", b"2001:db8::1"),
        (b"a_b.example", b"a_b.example"),
    ],
)
def test_one_form(value: bytes, host: bytes) -> None:
    """Space, port, brackets, final dot and capitals go; the name stays."""
    assert host == normal_host(value)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b" ",
        b".",
        b":80",
        b"[]",
        b"[2001:db8::1",
        b"2001:db8::1",
        b"[not an address]",
        b"user@example.com",
        b"example.com:http",
        b"example.com/path",
        b"a.example, b.example",
        b"a b",
        b"a\r\nb",
        b'"a"',
        b"\xff.example",
        b"a..b",
        b"x" * 256,
    ],
)
def test_no_host(value: bytes) -> None:
    """What names no single host gives none."""
    assert None is normal_host(value)


def test_request() -> None:
    """Method and host; a host that is none, and a request without Host line, leave it open."""
    assert HttpRequest(b"GET", b"example.com") == read_request(b"GET", b"Example.com:80")
    assert HttpRequest(b"M-SEARCH", None) == read_request(b"M-SEARCH", b"not a host")
    assert HttpRequest(b"OPTIONS", None) == read_request(b"OPTIONS", None)


def test_request_whose_method_was_cut() -> None:
    """The gate hands over no part of a method, so a Host value may come alone; it names the request all the same."""
    assert HttpRequest(b"", b"example.com") == read_request(b"", b"Example.com:80")


@pytest.mark.parametrize("method", [b"GET ", b"G\x00T", b"\xff", b"A" * (MAX_METHOD_BYTES + 1), b"GET\n"])
def test_no_method(method: bytes) -> None:
    """What is no token is Malformed."""
    with pytest.raises(Malformed):
        read_request(method, b"example.com")
