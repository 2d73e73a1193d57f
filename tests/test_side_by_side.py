from __future__ import annotations

import anyio.lowlevel
import pytest

from singsynth_mcp.errors import UnknownName
from singsynth_mcp.side_by_side import side_by_side


async def test_every_item_is_worked_on_once_and_no_more_than_so_many_at_a_time():
    begun, running, most = [], 0, 0

    async def work(item):
        nonlocal running, most
        begun.append(item)
        running += 1
        most = max(most, running)
        await anyio.lowlevel.checkpoint()
        running -= 1

    await side_by_side(work, range(10), 3)
    assert begun == list(range(10))
    assert most == 3


async def test_the_first_error_is_raised_itself_and_ends_the_rest():
    begun = []

    async def work(item):
        begun.append(item)
        await anyio.lowlevel.checkpoint()
        if item == 1:
            raise UnknownName("no such thing")
        await anyio.sleep_forever()

    with pytest.raises(UnknownName, match="no such thing"):
        await side_by_side(work, range(10), 2)
    assert begun == [0, 1]


async def test_of_nothing_nothing_is_begun():
    async def work(item):
        raise AssertionError(item)

    await side_by_side(work, [], 2)
