"""Bytes and positions -> the pieces between the positions."""

from collections.abc import Iterable
from itertools import pairwise


def pieces(data: bytes, cuts: Iterable[int] = ()) -> list[tuple[int, bytes]]:
    """The pieces of `data` with their offsets; positions outside it cut nothing, and no piece is empty."""
    edges = sorted({0, len(data), *(cut for cut in cuts if 0 < cut < len(data))})
    return [(start, data[start:end]) for start, end in pairwise(edges)]
