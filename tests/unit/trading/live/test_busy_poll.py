"""The loop of a session that does not sleep."""

import asyncio

import pytest

from mmbot.trading.live.busy_poll import REHEARSAL_TURNS, busy_poll


async def _waits(monkeypatch, rehearse, *, is_wanted):
    """How long the loop was ready to wait at each turn, inside and after it."""
    selector = vars(asyncio.get_running_loop())["_selector"]
    waits = []
    select = selector.select

    def noted(timeout):
        waits.append(timeout)
        return select(timeout)

    monkeypatch.setattr(selector, "select", noted)
    with busy_poll(rehearse, is_wanted=is_wanted):
        await asyncio.sleep(0.05)
        inside = list(waits)
    waits.clear()
    await asyncio.sleep(0.05)
    return inside, waits


@pytest.mark.parametrize("is_wanted", [True, False])
def test_the_loop_asks_its_sockets_without_waiting_while_it_is_wanted(is_wanted, monkeypatch):
    rehearsals = []
    inside, after = asyncio.run(
        _waits(monkeypatch, lambda: rehearsals.append(1), is_wanted=is_wanted)
    )
    assert abs(len(rehearsals) - len(inside) // REHEARSAL_TURNS) <= 1
    assert all(timeout == 0 for timeout in inside) is is_wanted
    assert (len(inside) > 20) is is_wanted
    assert any(timeout for timeout in after)
    assert len(after) < 10
