"""The loop of a session that does not sleep."""

import asyncio

import pytest

from mmbot.trading.live.busy_poll import BusyPoll


async def _turns_while_nothing_happens(poll, monkeypatch):
    selector = vars(asyncio.get_running_loop())["_selector"]
    waits = []
    select = selector.select

    def noted(timeout):
        waits.append(timeout)
        return select(timeout)

    monkeypatch.setattr(selector, "select", noted)
    with poll:
        await asyncio.sleep(0.05)
        inside = list(waits)
    waits.clear()
    before = poll.turns
    await asyncio.sleep(0.05)
    return inside, waits, poll.turns - before


@pytest.mark.parametrize("is_wanted", [True, False])
def test_the_loop_asks_its_sockets_without_waiting_while_it_is_wanted(is_wanted, monkeypatch):
    story = _turns_while_nothing_happens(BusyPoll(is_wanted=is_wanted), monkeypatch)
    inside, outside, later = asyncio.run(story)
    assert all(timeout == 0 for timeout in inside) is is_wanted
    assert (len(inside) > 20) is is_wanted
    # one turn may have been asked for before it was left
    assert later <= 1
    assert any(timeout for timeout in outside)
