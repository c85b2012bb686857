"""A real store on a Unix socket, and who speaks to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sketches.redis_server import RedisServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """It runs, and is empty."""
    with RedisServer(tmp_path) as started:
        yield started
