"""Live tests: see fixtures.py."""

from tests.live.fixtures import cable, gate, sender

__all__ = ["cable", "gate", "sender"]
