"""From the state of a session to samples."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, Final

from mmbot.telemetry.metrics.derived import DERIVED, Context, Pair
from mmbot.telemetry.metrics.models import Metric, Sample
from mmbot.telemetry.metrics.registry import GIVEN, METRICS
from mmbot.units import NS_PER_HOUR, NS_PER_MIN

__all__ = ["Given", "SessionMetrics"]

Given = Mapping[str, Mapping[tuple[str, ...], float]]
"""Values that other parts count: by metric, then by label values."""

_HOURS_PER_YEAR: Final = 8760


class SessionMetrics:
    """Makes samples of one session; it remembers what single states do not tell.

    Args:
        env: ``MM_ENV``, a label.
        service: name of the program, a label.
        exchange: what the session trades on, a label.
        fx_usd_to_base: units of the base currency for a USD.
    """

    def __init__(
        self, *, env: str, service: str, exchange: str, fx_usd_to_base: float = 1.0
    ) -> None:
        self._env = env
        self._service = service
        self._exchange = exchange
        self._fx_usd_to_base = fx_usd_to_base
        self._queue: deque[tuple[int, dict[tuple[str, str], float]]] = deque()
        self._volas: dict[str, float] = {}
        self._bars = _Bars()

    def samples(
        self, state: Mapping[str, Any], *, config: Mapping[str, object], given: Given
    ) -> list[Sample]:
        """All samples, in the order of the registry.

        Args:
            state: `mmbot.core.SessionControl.state`; later ones come later.
            config: dotted key to value (`mmbot.config.changes.key_values`).
            given: values of `mmbot.telemetry.metrics.GIVEN`; what is missing has no sample.
        """
        unknown = set(given) - GIVEN
        assert not unknown, f"not in the registry: {sorted(unknown)}"
        context = self._remember(state)
        found: list[Sample] = []
        for metric in METRICS.values():
            for labels, value in _values(metric, context, config, given):
                if value is not None and math.isfinite(value):
                    found.append(_sample(metric, labels, float(value) * metric.scale))
        return found

    def _remember(self, state: Mapping[str, Any]) -> Context:
        now_ns, by_symbol = state["ts_ns"], state["by_symbol"]
        for symbol, part in by_symbol.items():
            vola = part["market"]["vola_1m"]
            if vola is not None:
                self._volas[symbol] = vola
        shares = {
            (symbol, side): share
            for symbol, part in by_symbol.items()
            for side, share in part["orders"]["queue_ahead_share"].items()
            if share is not None
        }
        self._queue.append((now_ns, shares))
        while len(self._queue) > 1 and self._queue[1][0] <= now_ns - NS_PER_MIN:
            self._queue.popleft()
        then_ns, before = self._queue[0]
        self._bars.see(now_ns, state["account"]["net_usd"])
        return Context(
            state=state,
            env=self._env,
            service=self._service,
            exchange=self._exchange,
            fx_usd_to_base=self._fx_usd_to_base,
            queue_shares=before if then_ns <= now_ns - NS_PER_MIN else {},
            last_volas=self._volas,
            sharpe=self._bars.sharpe(),
        )


class _Bars:
    """Changes of the net result over the hours of the clock, as their moments."""

    def __init__(self) -> None:
        self._hour: int | None = None
        self._net_usd = 0.0
        self._count = 0
        self._mean = 0.0
        self._squares = 0.0

    def see(self, now_ns: int, net_usd: float) -> None:
        hour = now_ns // NS_PER_HOUR
        if self._hour is None:
            self._hour, self._net_usd = hour, net_usd
        if hour > self._hour:
            change = net_usd - self._net_usd
            self._hour, self._net_usd = hour, net_usd
            # mean and sum of squares as B. P. Welford updates them
            self._count += 1
            off = change - self._mean
            self._mean += off / self._count
            self._squares += off * (change - self._mean)

    def sharpe(self) -> float:
        if self._count < 2 or self._squares <= 0:
            return 0.0
        deviation = math.sqrt(self._squares / (self._count - 1))
        return self._mean / deviation * math.sqrt(_HOURS_PER_YEAR)


def _values(
    metric: Metric, context: Context, config: Mapping[str, object], given: Given
) -> Iterator[Pair]:
    source, _, path = metric.source.partition(":")
    if source == "state":
        yield from _nested(_at(context.state, path))
    elif source == "symbol":
        for symbol, part in context.symbols():
            for labels, value in _nested(_at(part, path)):
                yield _ordered(metric, symbol, labels), value
    elif source == "config":
        configured = config[path]
        if isinstance(configured, int | float):
            yield (), configured
    elif source == "derived":
        yield from DERIVED[metric.name](context)
    else:
        yield from given.get(metric.name, {}).items()


def _at(tree: Mapping[str, Any], path: str) -> Any:  # noqa: ANN401 -- a leaf or a mapping
    found: Any = tree
    for name in path.split("."):
        found = found[name]
    return found


def _nested(found: Any) -> Iterator[Pair]:  # noqa: ANN401
    if isinstance(found, Mapping):
        for label, value in found.items():
            yield (str(label),), value
    else:
        yield (), found


def _ordered(metric: Metric, symbol: str, others: tuple[str, ...]) -> tuple[str, ...]:
    """Label values where the metric wants them."""
    rest = iter(others)
    return tuple(symbol if label == "symbol" else next(rest) for label in metric.labels)


def _sample(metric: Metric, labels: tuple[str, ...], value: float) -> Sample:
    if metric.name == "strategy_weight":
        return Sample(f"strategy_weight_{labels[0]}", (), value)
    if metric.kind == "histogram":
        *labels_of, last = labels
        if last in ("sum", "count"):
            return Sample(f"{metric.name}_{last}", tuple(labels_of), value)
        return Sample(f"{metric.name}_bucket", labels, value)
    return Sample(metric.name, labels, value)
