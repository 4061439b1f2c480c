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


def test_a_reader_that_never_waits_has_items_on_the_stack_of_who_puts_them():
    async def story():
        inbox = Inbox[int](on_overflow=list, size_max=2)
        found: list[int] = []
        inbox.put(1)
        reader = asyncio.create_task(inbox.hand_on(found.append))
        await asyncio.sleep(0)
        for number in range(2, 7):
            inbox.put(number)
            assert found[-1] == number
        inbox.close()
        inbox.put(99)
        await reader
        return found, inbox.overflows

    assert asyncio.run(story()) == ([1, 2, 3, 4, 5, 6], 0)


def test_what_the_reader_raises_ends_the_stream_and_comes_out_where_it_waits():
    def refuse(item):
        raise ValueError(f"cannot take {item}")

    async def story():
        inbox = Inbox[int](on_overflow=list)
        reader = asyncio.create_task(inbox.hand_on(refuse))
        await asyncio.sleep(0)
        inbox.put(1)
        inbox.put(2)
        with pytest.raises(ValueError, match="cannot take 1"):
            await reader

    asyncio.run(story())


def test_the_error_of_a_stream_comes_out_where_its_reader_waits():
    async def story():
        inbox = Inbox[int](on_overflow=list)
        reader = asyncio.create_task(inbox.hand_on(lambda _: None))
        await asyncio.sleep(0)
        inbox.close(ValueError("refused"))
        with pytest.raises(ValueError, match="refused"):
            await reader

    asyncio.run(story())
