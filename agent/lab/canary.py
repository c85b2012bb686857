"""A flow's number -> the marker that fills every byte of it that must stay closed.

A search for the marker in a process's memory, its logs or its exports then shows whether something was opened that
should not have been, and in which flow.
"""

import re

PREFIX = b"HW-CANARY-"

CANARY_BYTES = 16
"""The prefix and six hexadecimal digits. Any 2 * 16 - 1 = 31 bytes of a filled stretch hold one whole canary."""

MAX_FLOW_NUMBER = 0xFFFFFF

PATTERN = re.compile(rb"HW-CANARY-([0-9a-f]{6})")


def canary(flow_number: int) -> bytes:
    """The 16 bytes that mark flow `flow_number`.

    Raises:
        ValueError: the number does not fit into six hexadecimal digits.
    """
    if not 0 <= flow_number <= MAX_FLOW_NUMBER:
        message = f"flow number {flow_number} is outside 0..{MAX_FLOW_NUMBER}"
        raise ValueError(message)
    return PREFIX + b"%06x" % flow_number


def filled(flow_number: int, length_bytes: int) -> bytes:
    """`length_bytes` of the flow's canary, repeated from its first byte."""
    return (canary(flow_number) * (length_bytes // CANARY_BYTES + 1))[:length_bytes]


def flow_numbers(data: bytes) -> frozenset[int]:
    """Numbers of the flows whose canary stands in `data`."""
    return frozenset(int(digits, 16) for digits in PATTERN.findall(data))
