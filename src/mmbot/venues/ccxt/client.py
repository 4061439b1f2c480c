"""One client of ccxt: how it is made, and the one way in which its calls fail.

The exchange's class is extended by a hook that notes the HTTP status of the answer a call got,
which ccxt's exceptions do not tell. ccxt's own throttle is off: requests are paced by a budget.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final

import ccxt.pro
import msgspec

from mmbot.clock import monotonic_ns
from mmbot.errors import ConfigError
from mmbot.units import NS_PER_MS, NS_PER_SEC
from mmbot.venues.budget.ledger import Granted, Wait
from mmbot.venues.budget.rules import BucketRule, BudgetRules, LimitSight, Scope
from mmbot.venues.budget.turnstile import Turnstile
from mmbot.venues.ccxt.codes import CcxtCode, failure_of
from mmbot.venues.failures import Failure, FailureKind, Operation
from mmbot.venues.ports import CallError

__all__ = ["CcxtClient", "CcxtOptions", "budget_rules", "make_exchange"]

_GROUP: Final = "rest"
_SPAN_NS: Final = NS_PER_SEC
_TEXT_MAX: Final = 300


@dataclass(slots=True)
class _Seen:
    """What came back over HTTP during one call."""

    status: int | None = None
    retry_after_ms: int | None = None
    is_readable: bool = True


_SEEN: ContextVar[_Seen | None] = ContextVar("ccxt_seen", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class CcxtOptions:
    """Which exchange and account.

    Attributes:
        exchange: ccxt's id (``bybit``, ``okx``, ``binanceusdm``).
        market_type: ``swap``, ``future`` or ``spot``.
        api_key: key, secret and, where the venue has one, password of the account.
        is_testnet: ccxt's sandbox addresses.
        urls: addresses in place of ccxt's, as its setting ``urls``.
        settings: more settings of ccxt.
        timeout_ms: longest wait for an answer.
        patience_ms: longest wait for the rate budget.
    """

    exchange: str
    market_type: str = "swap"
    api_key: str = ""
    api_secret: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    is_testnet: bool = False
    urls: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    timeout_ms: int = 10_000
    patience_ms: int = 5_000


def make_exchange(options: CcxtOptions) -> Any:  # noqa: ANN401 (ccxt has no types)
    """A client of ccxt with websockets.

    Raises:
        ConfigError: ``E_CFG_RANGE`` for an exchange that ccxt does not know.
    """
    base = getattr(ccxt.pro, options.exchange, None)
    if options.exchange not in ccxt.pro.exchanges or base is None:
        raise ConfigError("E_CFG_RANGE", f"exchange={options.exchange}", "ccxt does not know it")
    watched = type(
        base.__name__,
        (base,),
        {"on_rest_response": _on_rest_response, "client": _guarded_client(base)},
    )
    # A new dictionary each time: ccxt merges into what it is given.
    exchange = watched(
        {
            **options.settings,
            "apiKey": options.api_key,
            "secret": options.api_secret,
            "password": options.password,
            "enableRateLimit": False,
            "timeout": options.timeout_ms,
            "options": {
                "defaultType": options.market_type,
                "warnOnFetchOpenOrdersWithoutSymbol": False,
                # Positions are asked for apart; ccxt's snapshot asks for products not traded.
                "watchPositions": {
                    "fetchPositionsSnapshot": False,
                    "awaitPositionsSnapshot": False,
                },
                **options.settings.get("options", {}),
            },
        }
    )
    if options.is_testnet:
        exchange.set_sandbox_mode(True)
    if options.urls:
        exchange.urls = exchange.deep_extend(exchange.urls, dict(options.urls))
    return exchange


def budget_rules(pause_ms: float) -> BudgetRules:
    """The budget of an exchange for which ccxt states one pause between requests."""
    limit = max(1, int(1_000 / max(pause_ms, 1.0)))
    rule = BucketRule(
        scope=Scope.IP,
        limit=limit,
        span_ns=_SPAN_NS,
        slack_ns=50 * NS_PER_MS,
        kinds=frozenset(Operation),
    )
    return BudgetRules({_GROUP: rule}, {}, unnamed=(_GROUP,))


class CcxtClient:
    """Calls of one account; `exchange` is ccxt's object."""

    def __init__(self, options: CcxtOptions, turnstile: Turnstile | None) -> None:
        self.options = options
        self.exchange: Any = make_exchange(options)
        self._turnstile = turnstile

    def has(self, name: str) -> bool:
        """Whether the exchange does it itself; what ccxt emulates does not count."""
        return self.exchange.has.get(name) is True

    async def call(
        self, operation: Operation, method: str, *args: object, symbol: str = "", **params: object
    ) -> Any:  # noqa: ANN401 (ccxt has no types)
        """Call a method of ccxt once.

        Raises:
            CallError: whatever went wrong, with the facts.
        """
        await self._enter(operation, symbol)
        seen = _Seen()
        token = _SEEN.set(seen)
        try:
            answer = await getattr(self.exchange, method)(*args, **params)
        except (ccxt.BaseError, TimeoutError, OSError) as exc:
            failure = failure_of(
                exc, operation, status=seen.status, retry_after_ms=seen.retry_after_ms
            )
            await self._observe(failure)
            text = f"{type(exc).__name__} {' '.join(str(exc).split())}"[:_TEXT_MAX]
            raise CallError(failure, symbol=symbol, message=text) from exc
        finally:
            _SEEN.reset(token)
        if not seen.is_readable:
            # ccxt takes it for an answer that holds nothing.
            raise _malformed(operation, symbol, seen.status)
        return answer

    async def aclose(self) -> None:
        """Close the connections."""
        await self.exchange.close()

    async def _enter(self, operation: Operation, symbol: str) -> None:
        if self._turnstile is None:
            return
        patience_ns = self.options.patience_ms * NS_PER_MS
        answer = await self._turnstile.enter(_GROUP, operation, patience_ns=patience_ns)
        if isinstance(answer, Granted):
            return
        wait_ms = answer.wait_ns // NS_PER_MS + 1 if isinstance(answer, Wait) else None
        failure = Failure(
            operation=operation,
            is_sent=False,
            kind=FailureKind.BUDGET,
            retry_after_ms=wait_ms,
        )
        raise CallError(failure, symbol=symbol, message="own rate budget is used up")

    async def _observe(self, failure: Failure) -> None:
        if self._turnstile is None or failure.code != CcxtCode.RATE_LIMIT:
            return
        wait_ns = (failure.retry_after_ms or 0) * NS_PER_MS
        sight = LimitSight(scope=Scope.IP, left=0, blocked_ns=max(wait_ns, _SPAN_NS))
        await self._turnstile.budget.observe(_GROUP, sight, now_ns=monotonic_ns())


def _on_rest_response(
    _self: object,
    code: int,
    _reason: object,
    _url: object,
    _method: object,
    headers: Mapping[str, str],
    body: object,
    *_sent: Sequence[object],
) -> object:
    """Hook of ccxt between an answer and its reading."""
    seen = _SEEN.get()
    if seen is not None:
        seen.status = code
        lower = {name.lower(): value for name, value in headers.items()}
        after = lower.get("retry-after", "")
        seen.retry_after_ms = int(after) * 1_000 if after.isascii() and after.isdigit() else None
        seen.is_readable = _is_json(body)
    return body


def _is_json(body: object) -> bool:
    try:
        msgspec.json.decode(str(body))
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _malformed(operation: Operation, symbol: str, status: int | None) -> CallError:
    failure = Failure(
        operation=operation, is_sent=True, kind=FailureKind.MALFORMED, http_status=status
    )
    return CallError(failure, symbol=symbol, message="the answer cannot be read")


def _guarded_client(base: Any) -> Callable[[Any, str], Any]:  # noqa: ANN401 (ccxt has no types)
    """`client` of an exchange whose sockets break on a frame that cannot be read.

    In ccxt such a frame ends the loop that reads, and nobody is told: the socket would look well
    and be deaf for ever.
    """

    def client(self: Any, url: str) -> Any:  # noqa: ANN401 (ccxt has no types)
        found = base.client(self, url)
        if not hasattr(found, "mmbot_guarded"):
            found.mmbot_guarded = True
            read = found.handle_message

            def guarded(message: object) -> None:
                try:
                    read(message)
                except Exception as exc:  # noqa: BLE001 (whatever it is, the loop has ended)
                    found.on_error(ccxt.NetworkError(f"frame cannot be read: {exc}"))

            found.handle_message = guarded
        return found

    return client
