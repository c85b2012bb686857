"""Taps are tested on a cable of their own: see tests/live/fixtures.py."""

from tests.live.fixtures import cable, sender

__all__ = ["cable", "sender"]
