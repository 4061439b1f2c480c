"""Links over picows against a real server: fragments, large frames, ends and refusals."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest
from aiohttp import WSMsgType, web

from mmbot.venues.stream.link import LinkError
from mmbot.venues.stream.picows_link import PicowsDialer

PATIENCE_S = 10


class Heard:
    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.has_frame = asyncio.Event()
        self.closed = asyncio.Event()

    def on_frame(self, frame: bytes) -> None:
        self.frames.append(frame)
        self.has_frame.set()


@asynccontextmanager
async def serving(handler):
    app = web.Application()
    app.router.add_get("/ws", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"ws://127.0.0.1:{runner.addresses[0][1]}/ws"
    finally:
        await runner.cleanup()


def play(handler, story) -> None:
    async def whole():
        async with serving(handler) as url:
            heard = Heard()
            link = await PicowsDialer().dial(
                url, on_frame=heard.on_frame, on_closed=heard.closed.set
            )
            try:
                await story(link, heard)
            finally:
                link.drop()
                await heard.closed.wait()

    asyncio.run(asyncio.wait_for(whole(), PATIENCE_S))


async def echo(request):
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    async for message in ws:
        if message.data == "bye":
            break
        await ws.send_str(message.data)
    await ws.close()
    return ws


def test_frames_go_and_come_whole():
    large = b"x" * 1_000_000

    async def story(link, heard):
        for frame in (b"a", large, b"b"):
            assert link.send(frame)
        while len(heard.frames) < 3:
            heard.has_frame.clear()
            await heard.has_frame.wait()
        assert heard.frames == [b"a", large, b"b"]

    play(echo, story)


def test_fragments_are_put_together():
    async def handler(request):
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        assert ws._writer is not None
        transport = request.transport
        # text, not final; continuation, not final; continuation, final; then a whole one
        transport.write(b"\x01\x02ab" + b"\x00\x01c" + b"\x80\x02de" + b"\x81\x01f")
        async for _ in ws:
            pass
        return ws

    async def story(link, heard):
        while len(heard.frames) < 2:
            heard.has_frame.clear()
            await heard.has_frame.wait()
        assert heard.frames == [b"abcde", b"f"]

    play(handler, story)


def test_the_end_is_told_once_and_nothing_is_sent_after_it():
    async def story(link, heard):
        link.send(b"bye")
        await heard.closed.wait()
        assert not link.is_open
        assert not link.send(b"too late")
        link.drop()

    play(echo, story)


def test_a_server_that_is_not_there_or_refuses_is_no_link():
    async def refuse(_request):
        return web.Response(status=503, text="restarting")

    async def never(request):
        await asyncio.sleep(0)
        return web.Response(text=WSMsgType.TEXT.name)

    async def whole():
        nothing = Heard()

        async def dial(url):
            await PicowsDialer().dial(url, on_frame=nothing.on_frame, on_closed=nothing.closed.set)

        for handler in (refuse, never):
            async with serving(handler) as url:
                with pytest.raises(LinkError):
                    await dial(url)
        with pytest.raises(LinkError):
            await dial(url)

    asyncio.run(asyncio.wait_for(whole(), PATIENCE_S))
