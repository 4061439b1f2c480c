"""Scripted faults as a client meets them, over real sockets."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest
from tests.conformance.conftest import serving

from mmbot.clock import wall_ns
from mmbot.units import NS_PER_MS
from mmbot.venues.simulated.auth import sign

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("conformance")]

PATIENCE_S = 30.0
SYMBOL = "BTCUSDT"
BOOK = f"orderbook.50.{SYMBOL}"


@pytest.fixture
def faulty(tmp_path):
    def start(text: str):
        path = tmp_path / "faults.yaml"
        path.write_text(text, encoding="ascii")
        options = ("--faults", str(path), "--symbols", SYMBOL, "--regime", "calm")
        return serving(tmp_path, *options)

    return start


def play(story) -> None:
    async def whole():
        async with aiohttp.ClientSession() as session:
            await asyncio.wait_for(story(session), PATIENCE_S)

    asyncio.run(whole())


def signed(venue, query: str) -> dict[str, str]:
    key, secret = venue.keys[0]
    now = str(wall_ns() // NS_PER_MS)
    return {
        "X-BAPI-API-KEY": key,
        "X-BAPI-TIMESTAMP": now,
        "X-BAPI-RECV-WINDOW": "5000",
        "X-BAPI-SIGN": sign(secret, f"{now}{key}5000{query}"),
    }


async def subscribed(session, venue):
    socket = await session.ws_connect(venue.socket("public/linear"))
    await socket.send_json({"op": "subscribe", "args": [BOOK]})
    return socket


async def sooner_or_later(session, venue):
    while True:
        try:
            return await subscribed(session, venue)
        except aiohttp.WSServerHandshakeError:
            await asyncio.sleep(0.1)


async def next_text(socket) -> str:
    message = await socket.receive(timeout=PATIENCE_S)
    assert message.type is aiohttp.WSMsgType.TEXT, message
    return str(message.data)


def test_a_lost_frame_is_a_gap_that_a_client_can_see(faulty):
    with faulty("- {at_ms: 0, kind: drop, topic: orderbook, count: 5}\n") as venue:

        async def story(session):
            socket = await subscribed(session, venue)
            frames = [json.loads(await next_text(socket)) for _ in range(4)]
            assert frames[0]["success"]
            updates = [frame["data"]["u"] for frame in frames[1:]]
            # the snapshot (u=1) and four deltas were lost
            assert updates == [6, 7, 8]
            await socket.close()

        play(story)


def test_a_malformed_frame_does_not_end_the_stream(faulty):
    with faulty("- {at_ms: 0, kind: malformed, topic: orderbook, count: 1}\n") as venue:

        async def story(session):
            socket = await subscribed(session, venue)
            assert json.loads(await next_text(socket))["success"]
            with pytest.raises(ValueError, match=r"Unterminated|Expecting|delimiter"):
                json.loads(await next_text(socket))
            assert json.loads(await next_text(socket))["type"] == "delta"
            await socket.close()

        play(story)


def test_a_half_open_socket_neither_answers_nor_closes(faulty):
    with faulty("- {at_ms: 0, kind: half_open, stream: private}\n") as venue:

        async def story(session):
            socket = await session.ws_connect(venue.socket("private"))
            await socket.send_json({"op": "ping"})
            with pytest.raises(TimeoutError):
                await socket.receive(timeout=1)
            assert not socket.closed
            await socket.close()

        play(story)


def test_storms_of_10006_and_403(faulty):
    query = "accountType=UNIFIED"
    for kind, status, code in (("rate_limit", 200, 10006), ("forbidden", 403, None)):
        with faulty(f"- {{at_ms: 0, kind: {kind}}}\n") as venue:

            async def story(session, venue=venue, status=status, code=code):
                url = f"{venue.rest}/v5/account/wallet-balance?{query}"
                async with session.get(url, headers=signed(venue, query)) as answer:
                    assert answer.status == status
                    if code is None:
                        assert await answer.text() == "403, access too frequent"
                        return
                    assert (await answer.json())["retCode"] == code
                    assert answer.headers["X-Bapi-Limit-Status"] == "0"

            play(story)


def test_an_answer_that_is_lost_is_a_broken_connection(faulty):
    with faulty("- {at_ms: 0, kind: drop, stream: rest, topic: /v5/account}\n") as venue:

        async def story(session):
            query = "accountType=UNIFIED"
            url = f"{venue.rest}/v5/account/wallet-balance?{query}"
            with pytest.raises(aiohttp.ClientError):
                await session.get(url, headers=signed(venue, query))
            async with session.get(f"{venue.rest}/v5/market/time") as answer:
                assert (await answer.json())["retCode"] == 0

        play(story)


def test_sockets_are_cut_in_maintenance_and_books_begin_again(faulty):
    # again and again, so that one of them begins after the client is there
    text = "".join(
        f"- {{at_ms: {at}, kind: maintenance, duration_ms: 1000}}\n"
        for at in range(3000, 90_000, 5000)
    )
    with faulty(text) as venue:

        async def story(session):
            socket = await sooner_or_later(session, venue)
            while (message := await socket.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
            assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
            socket = await sooner_or_later(session, venue)
            assert json.loads(await next_text(socket))["success"]
            assert json.loads(await next_text(socket))["type"] == "snapshot"
            await socket.close()

        play(story)
