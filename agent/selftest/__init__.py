"""A machine -> whether the promise holds on it: the real gate, marked traffic, and a search of the process' memory.

Four processes, so that what is searched for is never in the process that is searched: one makes the traffic, one sends
it, one watches it, and the caller searches the memory of the one that watches.
"""


class CannotRunError(Exception):
    """It cannot run on this machine, or not by this user; the text says what is missing and what would help."""


class BrokenOffError(Exception):
    """It began and could not be brought to its end; the text says where it stopped."""
