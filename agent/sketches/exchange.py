"""A census of this tap -> its hashes to the district's store, every few seconds, and the district's numbers back.

It runs beside the capture on the same loop, in steps that take a few milliseconds at most. A store that is slow, wrong
or away costs a line in the log and a 0 in a metric; what could not be handed on waits in the census, which is bounded.
"""

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, Protocol, TypeVar

from agent.devices.census import Census
from agent.log import EventLog
from agent.snapshot import Devices, DeviceScope

PERIOD_S: Final = 5.0
"""From one exchange to the next, while the store answers: faster than any usual scrape."""
MAX_BACKOFF_S: Final = 60.0
"""Between two attempts at a store that does not answer; after a first pause of PERIOD_S each pause is twice the one before."""
BATCH_HASHES: Final = 512
"""Added at once: some 4 ms of this process, which then looks after its packets again."""
BATCH_COUNTS: Final = 128
"""Asked for at once: some 3 ms."""
KEPT_AFTER_S: Final = 86_400
"""How long a sketch outlives its day, in seconds, for whoever looks at yesterday; so it is gone within two days."""
CLOSE_S: Final = 2.0
"""What is left may take so long when the program ends."""

_NS: Final = 1_000_000_000
_IP_VERSIONS: Final = (4, 6)

T = TypeVar("T")


class StoreError(Exception):
    """The store did not do what it was asked; str() says why, without a secret."""


class Store(Protocol):
    """What is asked of a store; see agent.sketches.store.RedisStore."""

    async def add(self, hashes: Mapping[str, Sequence[bytes]], expires_s: int) -> None: ...
    async def counts(self, names: Sequence[str]) -> list[int]: ...
    async def close(self) -> None: ...


class Exchange:
    """Brings a census and a store together.

    Args:
        census: of this tap; its counting goes on between the steps of an exchange.
        store: the district's.
        log: is told when the store is reached and when it is lost.
        min_devices: smaller numbers of devices are not told.
    """

    def __init__(self, census: Census, store: Store, log: EventLog, *, min_devices: int) -> None:
        self.census = census
        self.cells: Collection[tuple[str, str]] = ()
        """Segments and categories that the policy in force knows. What is asked for, and so each label, is one of them."""
        self._store = store
        self._log = log
        self._min_devices = min_devices
        self._is_up: bool | None = None
        self._is_whole = False
        """Whether all that was taken from the census has arrived, for all that is known."""
        self._problem = ""
        self._district: tuple[str, dict[DeviceScope, int]] = "", {}

    async def run(self) -> None:
        """Exchanges until it is cancelled."""
        pause_s = PERIOD_S
        while True:
            await asyncio.sleep(pause_s)
            await self.once()
            pause_s = PERIOD_S if self._is_up else min(2 * pause_s, MAX_BACKOFF_S)

    async def once(self) -> None:
        """One exchange, once a day has begun in the census; a failure is told, and kept for the next one."""
        if not self.census.today.name:
            return
        try:
            await self._hand_on()
            district = await self._ask()
        except StoreError as error:
            self._district, self._is_whole = ("", {}), False
            if self._is_up is not False or str(error) != self._problem:
                self._log.warning("device_store_lost", store=str(self._store), problem=str(error))
            self._is_up, self._problem = False, str(error)
            return
        self._district = district
        if not self._is_up:
            self._log.info("device_store_reached", store=str(self._store), district=self.census.mark)
        self._is_up, self._problem = True, ""

    async def close(self) -> None:
        """Hands on what is left, if the store answers, and lets it go."""
        if self._is_up:
            try:
                async with asyncio.timeout(CLOSE_S):
                    await self._hand_on()
            except (TimeoutError, StoreError) as error:
                self._log.warning(
                    "device_store_lost", store=str(self._store), problem=str(error) or f"no answer within {CLOSE_S:g} s"
                )
        await self._store.close()

    def told(self) -> Devices:
        """What may be told of today."""
        day, district = self._district
        return Devices(
            store_up=bool(self._is_up),
            tap=self._without_few(self.census.devices()),
            district=self._without_few(district if day == self.census.today.name else {}),
        )

    async def _hand_on(self) -> None:
        if not self._is_whole:
            self.census.hand_on_again()  # a store that was away may have lost everything
        self._is_whole = False
        while batch := self.census.next_batch(BATCH_HASHES):
            named = {self._name(batch.day.name, scope): hashes for scope, hashes in batch.hashes.items()}
            await self._store.add(named, batch.day.end_ns // _NS + KEPT_AFTER_S)
        self._is_whole = True

    async def _ask(self) -> tuple[str, dict[DeviceScope, int]]:
        day, found = self.census.today.name, dict[DeviceScope, int]()
        for scopes in _batched(self._scopes(), BATCH_COUNTS):
            counts = await self._store.counts([self._name(day, scope) for scope in scopes])
            found.update(zip(scopes, counts, strict=True))
        return day, found

    def _scopes(self) -> Iterator[DeviceScope]:
        """All that the policy knows, not only what this tap has seen: it may have been started at noon."""
        for version in _IP_VERSIONS:
            for segment in sorted({segment for segment, _ in self.cells}):
                yield DeviceScope(segment, "", version)
            for segment, category in sorted(self.cells):
                yield DeviceScope(segment, category, version)

    def _name(self, day: str, scope: DeviceScope) -> str:
        """The sketch's name in the store. Identifiers of segments and categories hold no colon."""
        category = f":{scope.category}" if scope.category else ""
        return f"hallwatch:devices:{self.census.mark}:{day}:{scope.segment}:ip{scope.ip_version}{category}"

    def _without_few(self, counts: Mapping[DeviceScope, int]) -> dict[DeviceScope, int]:
        return {scope: count for scope, count in counts.items() if count >= self._min_devices}


def _batched(items: Iterator[T], size: int) -> Iterator[list[T]]:
    while batch := list(islice(items, size)):
        yield batch
