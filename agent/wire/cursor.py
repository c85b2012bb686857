"""Bytes -> fields, read one after the other with bounds checks; and the one error of this package."""


class Malformed(ValueError):
    """The bytes cannot be what they began as, and no further byte can mend it."""


class Overrun(Malformed):
    """The bytes end before the field does. Who reads a message that may still grow turns it into "need more"."""


class Cursor:
    """A place in `data`; each read moves it on, and raises Overrun where the field would end after `end`.

    For the readers that meet a few fields of each kind. Loops over many fields (tls.py) index the bytes themselves.
    """

    __slots__ = ("at", "data", "end")

    def __init__(self, data: bytes, at: int = 0, end: int | None = None) -> None:
        self.data = data
        self.at = at
        self.end = len(data) if end is None else end

    @property
    def left(self) -> int:
        """Bytes not read yet."""
        return self.end - self.at

    def number(self, size: int) -> int:
        """An unsigned number of `size` bytes, network order."""
        at = self.at
        stop = at + size
        if stop > self.end:
            raise Overrun(f"a number of {size} bytes")
        self.at = stop
        return int.from_bytes(self.data[at:stop])

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        at = self.at
        stop = at + size
        if stop > self.end:
            raise Overrun(f"{size} bytes")
        self.at = stop
        return self.data[at:stop]

    def skip(self, size: int) -> None:
        """Past the next `size` bytes."""
        stop = self.at + size
        if stop > self.end:
            raise Overrun(f"{size} bytes")
        self.at = stop

    def block(self, prefix: int) -> bytes:
        """The bytes whose count stands before them in `prefix` bytes (RFC 8446 section 3.4)."""
        return self.take(self.number(prefix))
