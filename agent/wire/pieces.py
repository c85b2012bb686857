"""Pieces of a stream, in any order -> its bytes from the start, as far as they are known."""


class Pieces:
    """Puts pieces at their offsets. The first bytes to arrive at a place stay: a later, different copy is ignored.

    Memory is twice the furthest offset held, at most twice `max_bytes`; all work together is linear in the bytes added.
    """

    __slots__ = ("_data", "_have", "_max_bytes", "known", "met_limit", "start")

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._data = bytearray()
        self._have = bytearray()
        """1 where _data holds a byte that has arrived."""
        self.start = 0
        """Stream offset of the first byte held; it grows with drop()."""
        self.known = 0
        """Bytes from the start without a hole."""
        self.met_limit = False
        """A piece lay, wholly or partly, beyond max_bytes and was cut there."""

    def __len__(self) -> int:
        """Bytes of memory in use, holes included."""
        return 2 * len(self._data)

    @property
    def data(self) -> bytearray:
        """The bytes held; only the first `known` of them mean anything. Do not keep or change it."""
        return self._data

    def head(self) -> bytes:
        """The bytes from the start without a hole."""
        return bytes(self._data[: self.known])

    def add(self, offset: int, piece: bytes) -> bool:
        """Puts `piece` at stream offset `offset`; true when `known` grew."""
        at = offset - self.start
        if at < 0:
            piece = piece[-at:]
            at = 0
        end = at + len(piece)
        if end > self._max_bytes:
            self.met_limit = True
            end = self._max_bytes
        if end <= at:
            return False
        piece = piece[: end - at]
        data, have = self._data, self._have
        if at == len(data):  # in order, as nearly always: nothing to find
            data += piece
            have += b"\x01" * len(piece)
            if self.known < at:
                return False
            self.known = end
            return True
        if end > len(data):
            missing = end - len(data)
            data += bytes(missing)
            have += bytes(missing)
        place = have.find(0, at, end)
        while place != -1:
            stop = have.find(1, place, end)
            if stop == -1:
                stop = end
            data[place:stop] = piece[place - at : stop - at]
            have[place:stop] = b"\x01" * (stop - place)
            place = have.find(0, stop, end)
        before = self.known
        hole = have.find(0, before)
        self.known = len(have) if hole == -1 else hole
        return self.known > before

    def drop(self, count: int) -> None:
        """Forgets the first `count` known bytes; the stream goes on after them."""
        count = min(count, self.known)
        del self._data[:count]
        del self._have[:count]
        self.start += count
        self.known -= count
