"""How often something may happen, and times -> whether it may now: a token bucket."""


class Bucket:
    """Holds `burst` tokens, and gains one every `interval_s` until it is full again."""

    def __init__(self, *, interval_s: float, burst: int) -> None:
        self._interval_s = interval_s
        self._burst = burst
        self._tokens = float(burst)
        self._at_s: float | None = None

    def take(self, now_s: float) -> bool:
        """Take a token if there is one. `now_s` is any clock that does not go back, in seconds."""
        if self._at_s is not None:
            self._tokens = min(self._burst, self._tokens + (now_s - self._at_s) / self._interval_s)
        self._at_s = now_s
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
