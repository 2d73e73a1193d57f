from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.redis_server import RedisServer, redis_server


@pytest.fixture
async def redis() -> AsyncIterator[RedisServer]:
    async with redis_server() as server:
        yield server
