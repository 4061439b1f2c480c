"""The queue between a socket and its reader."""

from __future__ import annotations

import asyncio

import pytest

from mmbot.venues.stream.inbox import Inbox


async def rest_of(inbox):
    return [item async for item in inbox]


def test_items_come_in_order_and_the_end_comes_last():
    async def story():
        inbox = Inbox[int](on_overflow=list)
        for number in range(5):
            inbox.put(number)
        inbox.close()
        inbox.put(99)
        return await rest_of(inbox)

    assert asyncio.run(story()) == [0, 1, 2, 3, 4]


def test_a_reader_that_waits_is_woken():
    async def story():
        inbox = Inbox[str](on_overflow=list)
        reader = asyncio.create_task(rest_of(inbox))
        await asyncio.sleep(0)
        inbox.put("a")
        await asyncio.sleep(0)
        inbox.close()
        return await reader

    assert asyncio.run(story()) == ["a"]


def test_the_error_comes_after_what_was_there():
    async def story():
        inbox = Inbox[int](on_overflow=list)
        inbox.put(1)
        inbox.close(ValueError("refused"))
        assert await anext(inbox) == 1
        with pytest.raises(ValueError, match="refused"):
            await anext(inbox)

    asyncio.run(story())


def test_a_full_inbox_is_replaced_by_what_says_so():
    async def story():
        inbox = Inbox[str](on_overflow=lambda: ["gap"], size_max=3)
        for letter in "abcd":
            inbox.put(letter)
        inbox.close()
        return await rest_of(inbox), inbox.overflows

    assert asyncio.run(story()) == (["gap", "d"], 1)
