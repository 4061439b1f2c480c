"""REST calls: budget, signature, deadline, and the facts of what came back. Never a second try."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from mmbot.clock import monotonic_ns
from mmbot.units import NS_PER_MIN, NS_PER_MS
from mmbot.venues.budget.ledger import Granted, Wait
from mmbot.venues.budget.turnstile import Turnstile
from mmbot.venues.bybit.answers import Answer, Asked, raise_for_code, read_answer, retry_after_ms
from mmbot.venues.bybit.limits import limit_sights
from mmbot.venues.bybit.signing import ApiCredentials, signed_headers
from mmbot.venues.failures import FailureKind, Operation
from mmbot.venues.stream.venue_clock import VenueClock

__all__ = ["RestClient", "RestCounters", "RestPolicy"]

_TIME_PATH: Final = "/v5/market/time"
_OK: Final = 200
# The largest answers are the instruments of a category, about 1.5 MB.
_BODY_MAX: Final = 16 << 20
# A side of ten levels at a tenth of the published limit.
_CANCEL_PATIENCE_MS: Final = 10_000
_TEXT_SHOWN: Final = 120
_RECENT_MAX: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RestPolicy:
    """Deadlines.

    Attributes:
        timeout_ms: for an answer after the request was written, and apart from that to connect.
        patience_ms: longest wait for the rate budget.
        recv_window_ms: the venue refuses what reaches it later.
    """

    timeout_ms: int = 3_000
    patience_ms: int = 1_000
    recv_window_ms: int = 5_000

    def patience_ns(self, operation: Operation) -> int:
        """Longest wait for the rate budget; cancels wait in line, for each of them has to go."""
        is_cancel = operation is Operation.CANCEL
        return max(self.patience_ms, _CANCEL_PATIENCE_MS if is_cancel else 0) * NS_PER_MS


@dataclass(slots=True)
class RestCounters:
    """Calls so far, those without a readable answer of the venue, and those that it refused."""

    calls: int = 0
    errors: int = 0
    refusals: int = 0
    _recent: deque[tuple[int, bool]] = field(default_factory=lambda: deque(maxlen=_RECENT_MAX))

    def ended(self, *, is_error: bool, now_ns: int) -> None:
        """A call has ended."""
        self.errors += is_error
        self._recent.append((now_ns, is_error))

    def error_rate(self, now_ns: int) -> float:
        """Share of the calls of the last minute that had no readable answer."""
        recent = [failed for at_ns, failed in self._recent if now_ns - at_ns <= NS_PER_MIN]
        return sum(recent) / len(recent) if recent else 0.0


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    path: str
    url: str
    payload: str

    @property
    def data(self) -> bytes | None:
        return self.payload.encode() if self.method == "POST" else None


class RestClient:
    """Calls one REST address for one account; `credentials` None can only ask public things."""

    def __init__(
        self,
        base_url: str,
        credentials: ApiCredentials | None,
        *,
        http: aiohttp.ClientSession,
        clock: VenueClock,
        budget: Turnstile,
        policy: RestPolicy,
    ) -> None:
        self.counters = RestCounters()
        self.clock = clock
        self.budget = budget
        self.policy = policy
        self._base_url = base_url
        self._credentials = credentials
        self._http = http

    async def get(
        self, path: str, params: Mapping[str, str], asked: Asked, *, is_signed: bool = True
    ) -> Answer:
        """Ask.

        Raises:
            CallError: with the facts of the failure.
        """
        query = urlencode(params)
        url = f"{self._base_url}{path}?{query}" if query else f"{self._base_url}{path}"
        return await self._call(_Request("GET", path, url, query), asked, is_signed=is_signed)

    async def post(self, path: str, body: bytes, asked: Asked) -> Answer:
        """Request; errors as `get`. `body` is JSON."""
        request = _Request("POST", path, f"{self._base_url}{path}", body.decode())
        return await self._call(request, asked, is_signed=True)

    async def measure_clock(self) -> bool:
        """Ask for the time; True if it shows that a clock was set.

        Raises:
            CallError: as `get`.
        """
        steps = self.clock.estimator.steps
        await self.get(_TIME_PATH, {}, Asked(Operation.QUERY), is_signed=False)
        return self.clock.estimator.steps > steps

    async def _call(self, request: _Request, asked: Asked, *, is_signed: bool) -> Answer:
        await self._pass_budget(request.path, asked)
        headers = await self._headers(request.payload, asked) if is_signed else {}
        if request.data is not None:
            headers["Content-Type"] = "application/json"
        self.counters.calls += 1
        try:
            return await self._exchange(request, headers, asked)
        except aiohttp.ClientConnectorError as exc:
            raise self._failed(asked, FailureKind.CONNECT, exc, is_sent=False) from exc
        except aiohttp.ConnectionTimeoutError as exc:
            raise self._failed(asked, FailureKind.CONNECT, exc, is_sent=False) from exc
        except TimeoutError as exc:
            raise self._failed(asked, FailureKind.TIMEOUT, exc) from exc
        except (aiohttp.ClientError, OSError) as exc:
            raise self._failed(asked, FailureKind.DISCONNECT, exc) from exc

    async def _exchange(
        self, request: _Request, headers: Mapping[str, str], asked: Asked
    ) -> Answer:
        timeout_sec = self.policy.timeout_ms / 1_000
        timeout = aiohttp.ClientTimeout(
            total=2 * timeout_sec, connect=timeout_sec, sock_read=timeout_sec
        )
        sent_ns = monotonic_ns()
        async with self._http.request(
            request.method,
            URL(request.url, encoded=True),
            headers=headers,
            data=request.data,
            timeout=timeout,
            allow_redirects=False,
        ) as response:
            body = await _whole_body(response)
            recv_ns = monotonic_ns()
            status, told = response.status, dict(response.headers)
        answer = None if body is None else read_answer(body)
        await self._observe(
            request.path, told, answer, status=status, sent_ns=sent_ns, recv_ns=recv_ns
        )
        if answer is None:
            raise self._unreadable(body or b"", told, asked, status=status)
        self.counters.ended(is_error=False, now_ns=recv_ns)
        self.counters.refusals += answer.ret_code != 0
        raise_for_code(answer, asked, headers=told, http_status=status)
        return answer

    async def _pass_budget(self, path: str, asked: Asked) -> None:
        patience_ns = self.policy.patience_ns(asked.operation)
        found = await self.budget.enter(
            path, asked.operation, orders=max(1, len(asked.cids)), patience_ns=patience_ns
        )
        if isinstance(found, Granted):
            return
        wait_ms = found.wait_ns // NS_PER_MS if isinstance(found, Wait) else None
        text = f"the rate budget of {found.bucket} is used up"
        raise asked.error(FailureKind.BUDGET, text, is_sent=False, wait_ms=wait_ms)

    async def _headers(self, payload: str, asked: Asked) -> dict[str, str]:
        if self._credentials is None:
            raise asked.error(FailureKind.CONNECT, "needs an API key", is_sent=False)
        now_ns = self.clock.now_ns()
        if now_ns is None:
            await self.measure_clock()
            now_ns = self.clock.now_ns()
        if now_ns is None:
            text = "the venue does not tell its time"
            raise asked.error(FailureKind.CONNECT, text, is_sent=False)
        return signed_headers(
            self._credentials,
            payload,
            timestamp_ms=now_ns // NS_PER_MS,
            recv_window_ms=self.policy.recv_window_ms,
        )

    async def _observe(
        self,
        path: str,
        headers: Mapping[str, str],
        answer: Answer | None,
        *,
        status: int,
        sent_ns: int,
        recv_ns: int,
    ) -> None:
        venue_ms = answer.time if answer is not None and answer.time > 0 else None
        if venue_ms is not None:
            self.clock.observe(
                sent_ns=sent_ns,
                recv_ns=recv_ns,
                venue_ns=venue_ms * NS_PER_MS,
                grain_ns=NS_PER_MS,
            )
        sights = limit_sights(
            headers,
            http_status=status,
            ret_code=answer.ret_code if answer else None,
            venue_now_ms=venue_ms,
        )
        for sight in sights:
            await self.budget.budget.observe(path, sight, now_ns=recv_ns)

    def _unreadable(
        self, body: bytes, headers: Mapping[str, str], asked: Asked, *, status: int
    ) -> Exception:
        self.counters.ended(is_error=True, now_ns=monotonic_ns())
        is_http = status != _OK
        return asked.error(
            FailureKind.HTTP if is_http else FailureKind.MALFORMED,
            body[:_TEXT_SHOWN].decode("ascii", "backslashreplace") or "empty answer",
            http_status=status if is_http else None,
            wait_ms=retry_after_ms(headers, answer=None),
        )

    def _failed(
        self, asked: Asked, kind: FailureKind, exc: BaseException, *, is_sent: bool = True
    ) -> Exception:
        self.counters.ended(is_error=True, now_ns=monotonic_ns())
        return asked.error(kind, f"{type(exc).__name__}: {exc}", is_sent=is_sent)


async def _whole_body(response: aiohttp.ClientResponse) -> bytes | None:
    """All of the body; None if it is larger than any answer of the venue."""
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > _BODY_MAX:
            return None
    return b"".join(parts)
