"""Hallwatch: counts what a school network is used for, and leaves payloads unopened."""

__version__ = "0.1.0"
