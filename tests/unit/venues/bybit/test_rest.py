"""REST calls against a real HTTP server that answers as each test says."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from mmbot.clock import monotonic_ns, wall_ns
from mmbot.units import NS_PER_MIN, NS_PER_MS
from mmbot.venues.budget.stores import LocalBudget
from mmbot.venues.budget.turnstile import Turnstile
from mmbot.venues.bybit.answers import Asked
from mmbot.venues.bybit.limits import BYBIT_BUDGET
from mmbot.venues.bybit.rest import RestClient, RestCounters, RestPolicy
from mmbot.venues.bybit.signing import ApiCredentials
from mmbot.venues.failures import FailureKind, Operation
from mmbot.venues.ports import CallError
from mmbot.venues.stream.venue_clock import VenueClock

QUERY = Asked(Operation.QUERY, "BTCUSDT")
PATH = "/v5/account/info"


def body(**result) -> dict[str, object]:
    return {"retCode": 0, "retMsg": "OK", "result": result, "time": wall_ns() // NS_PER_MS}


@asynccontextmanager
async def serving(handler, *, credentials=True, timeout_ms=300):
    """A client whose venue answers every path but the time with `handler`."""

    async def time(_request):
        return web.json_response(body())

    app = web.Application()
    app.router.add_get("/v5/market/time", time)
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    http = aiohttp.ClientSession()
    try:
        yield RestClient(
            f"http://127.0.0.1:{runner.addresses[0][1]}",
            ApiCredentials("k", "s") if credentials else None,
            http=http,
            clock=VenueClock(),
            budget=Turnstile(LocalBudget(BYBIT_BUDGET)),
            policy=RestPolicy(timeout_ms=timeout_ms, patience_ms=0),
        )
    finally:
        await http.close()
        await runner.cleanup()


def failure_of(handler, **more):
    async def story():
        async with serving(handler, **more) as client:
            with pytest.raises(CallError) as caught:
                await client.get(PATH, {"a": "b c"}, QUERY)
            return caught.value.failure

    return asyncio.run(story())


def test_an_answer_in_many_parts_is_read_whole():
    text = json.dumps(body(list=["x" * 100] * 20_000)).encode()

    async def handler(request):
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        for start in range(0, len(text), 50_000):
            await response.write(text[start : start + 50_000])
            await asyncio.sleep(0)
        await response.write_eof()
        return response

    async def story():
        async with serving(handler) as client:
            answer = await client.get(PATH, {}, QUERY)
            assert len(json.loads(bytes(answer.result))["list"]) == 20_000

    asyncio.run(story())


def test_what_is_signed_is_what_is_sent():
    seen = []

    async def handler(request):
        seen.append((request.method, request.rel_url.raw_query_string, await request.text()))
        seen.append(request.headers["X-BAPI-SIGN"])
        return web.json_response(body())

    async def story():
        async with serving(handler) as client:
            await client.get(PATH, {"symbol": "A B", "cursor": "1%3A2"}, QUERY)
            await client.post("/v5/order/cancel", b'{"a":"b c"}', Asked(Operation.CANCEL))

    asyncio.run(story())
    assert seen[0] == ("GET", "symbol=A+B&cursor=1%253A2", "")
    assert seen[2] == ("POST", "", '{"a":"b c"}')
    assert len(seen[1]) == len(seen[3]) == 64


@pytest.mark.parametrize(
    ("status", "text", "kind", "http_status"),
    [
        (500, "<html>oops</html>", FailureKind.HTTP, 500),
        (503, "", FailureKind.HTTP, 503),
        (403, "403, access too frequent", FailureKind.HTTP, 403),
        (302, "moved", FailureKind.HTTP, 302),
        (200, "<html>", FailureKind.MALFORMED, None),
        (200, "", FailureKind.MALFORMED, None),
        (200, '{"retCode":0', FailureKind.MALFORMED, None),
    ],
)
def test_answers_that_are_none_of_the_venues(status, text, kind, http_status):
    async def handler(_request):
        headers = {"Location": "/elsewhere"} if status == 302 else {}
        return web.Response(status=status, text=text, headers=headers)

    failure = failure_of(handler)
    assert (failure.kind, failure.http_status, failure.is_sent) == (kind, http_status, True)


def test_a_wait_that_the_venue_asks_for_is_told():
    async def handler(_request):
        return web.Response(status=429, text="slow down", headers={"Retry-After": "3"})

    failure = failure_of(handler)
    assert (failure.http_status, failure.retry_after_ms) == (429, 3_000)


def test_no_answer_in_time_is_a_time_out_of_what_was_sent():
    async def handler(_request):
        await asyncio.sleep(1)
        return web.json_response(body())

    failure = failure_of(handler, timeout_ms=100)
    assert (failure.kind, failure.is_sent) == (FailureKind.TIMEOUT, True)


def test_an_answer_that_never_ends_is_a_time_out():
    async def handler(request):
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(40):
            await response.write(b" ")
            await asyncio.sleep(0.05)
        return response

    failure = failure_of(handler, timeout_ms=200)
    assert (failure.kind, failure.is_sent) == (FailureKind.TIMEOUT, True)


def test_a_connection_that_breaks_is_a_disconnect_of_what_was_sent():
    async def handler(request):
        request.transport.abort()
        raise asyncio.CancelledError

    failure = failure_of(handler)
    assert (failure.kind, failure.is_sent) == (FailureKind.DISCONNECT, True)


def test_without_a_key_nothing_signed_is_sent():
    async def handler(_request):
        return web.json_response(body())

    failure = failure_of(handler, credentials=False)
    assert (failure.kind, failure.is_sent) == (FailureKind.CONNECT, False)


def test_a_budget_that_is_used_up_sends_nothing_and_says_how_long():
    calls = []

    async def handler(_request):
        calls.append(1)
        return web.json_response(body())

    async def story():
        async with serving(handler) as client:
            failures = []
            for _ in range(12):
                try:
                    await client.post("/v5/order/create", b"{}", Asked(Operation.CREATE))
                except CallError as error:
                    failures.append(error.failure)
            return failures

    failures = asyncio.run(story())
    assert len(calls) + len(failures) == 12
    assert failures
    assert {(f.kind, f.is_sent) for f in failures} == {(FailureKind.BUDGET, False)}
    assert all(f.retry_after_ms is not None for f in failures)


def test_every_answer_teaches_the_time():
    async def handler(_request):
        return web.json_response(body())

    async def story():
        async with serving(handler) as client:
            assert client.clock.now_ns() is None
            await client.get(PATH, {}, QUERY)
            # the question for the time, and the answer itself
            assert client.clock.estimator.samples == 2
            now_ns = client.clock.now_ns()
            assert now_ns is not None
            assert abs(now_ns - wall_ns()) < 20 * NS_PER_MS

    asyncio.run(story())


def test_the_error_rate_is_that_of_the_last_minute():
    counters = RestCounters()
    now_ns = monotonic_ns()
    assert counters.error_rate(now_ns) == 0.0
    counters.ended(is_error=True, now_ns=now_ns - NS_PER_MIN - 1)
    for number in range(4):
        counters.ended(is_error=number == 0, now_ns=now_ns)
    assert counters.error_rate(now_ns) == 0.25
    assert counters.errors == 2
