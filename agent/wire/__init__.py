"""Opened bytes -> facts: one module for each kind of introduction. No I/O, no clock.

Each reader returns a value, or None when more bytes are needed, or raises Malformed (cursor.py) when none can help.
readings.py feeds them where a message spans packets.
"""
