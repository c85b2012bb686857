"""Hashes and counts asked for -> PFADD and PFCOUNT to a Redis or Valkey, within times that never hold up the capture.

The sketch is Redis' HyperLogLog: 16,384 registers of 6 bits, a standard error of 0.81 % (redis.io, PFCOUNT). It keeps
no element, and adding one twice changes nothing, so that after any failure everything may simply be sent again.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from agent.sketches.exchange import StoreError
from agent.sketches.place import Place

TIMEOUT_S: Final = 2.0
"""For connecting, and for each exchange: a store in the same district answers within milliseconds."""

MAX_TOLD: Final = 200
"""Characters of an error: the store's own are shorter, and a stranger's are not to fill the log."""


class _Pipeline(Pipeline):
    """One that keeps the store's own words when a command fails."""

    def annotate_exception(self, exception: Exception, number: int, command: Iterable[object]) -> None:
        """Adds nothing: redis would add the command, and with it hashes of devices, for the log to keep."""


class RedisStore:
    """A connection to the store, made when it is first used.

    Args:
        place: where it is.
        password: of the place's user, or of the store where it has no users.
        ca_file: who signed its certificate, where that is none of the system's authorities.
    """

    def __init__(self, place: Place, *, password: str | None = None, ca_file: Path | None = None) -> None:
        self._place = place
        self._client = Redis(
            host=place.host,
            port=place.port,
            unix_socket_path=place.path or None,
            db=place.database,
            username=place.user,
            password=password,
            socket_timeout=None,  # _done has the one for all of an exchange
            socket_connect_timeout=TIMEOUT_S,  # of hanging up, too
            retry=Retry(NoBackoff(), 0),  # the exchange knows when to come again
            max_connections=1,
            protocol=2,  # one less thing to agree upon: nothing of RESP3 is used
            ssl=place.tls,
            ssl_check_hostname=True,
            ssl_ca_certs=None if ca_file is None else str(ca_file),
        )

    def __str__(self) -> str:
        return str(self._place)

    async def add(self, hashes: Mapping[str, Sequence[bytes]], expires_s: int) -> None:
        """Adds hashes to sketches by name. No sketch is ever without its end, in seconds since the epoch.

        Raises:
            StoreError: it did not happen, or not all of it, or nobody knows.
        """
        pipeline = self._pipeline(transaction=True)
        for name, members in hashes.items():
            _ = pipeline.pfadd(name, *members), pipeline.expireat(name, expires_s)  # noted, and sent below
        await self._done(pipeline)

    async def counts(self, names: Sequence[str]) -> list[int]:
        """How many distinct hashes each sketch was given, about; 0 where there is none.

        Raises:
            StoreError: it does not say.
        """
        pipeline = self._pipeline(transaction=False)
        for name in names:
            _ = pipeline.pfcount(name)
        answers = await self._done(pipeline)
        counts = [answer for answer in answers if type(answer) is int and answer >= 0]
        if len(counts) != len(names):
            raise StoreError("the store answers what is no count")
        return counts

    async def close(self) -> None:
        """Gives up the connection."""
        await self._client.aclose()

    def _pipeline(self, *, transaction: bool) -> Pipeline:
        return _Pipeline(self._client.connection_pool, self._client.response_callbacks, transaction, shard_hint=None)

    async def _done(self, pipeline: Pipeline) -> Sequence[object]:
        """The answers to a pipeline. redis gives up a connection that fails: what comes late is nobody's answer."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                answers: Sequence[object] = await pipeline.execute()
        except TimeoutError as error:
            raise StoreError(f"no answer within {TIMEOUT_S:g} s") from error
        except Exception as error:  # of any kind: what reads the answers does not expect all that a stranger may send
            raise StoreError(str(error)[:MAX_TOLD] or type(error).__name__) from error
        return answers
