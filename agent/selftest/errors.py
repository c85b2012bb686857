"""Why a self-test came to no verdict: two exceptions, each with a text for people."""


class CannotRunError(Exception):
    """It cannot run on this machine, or not by this user; the text says what is missing and what would help."""


class BrokenOffError(Exception):
    """It began and could not be brought to its end; the text says where it stopped."""
