"""An explanation as text: a reader follows the arithmetic from the top of the book to the order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from mmbot.trading.explain import Decision, Explanation, Parameter, Request
from mmbot.units import format_utc_ns

__all__ = ["text_of"]

Fields = Mapping[str, Any]
Line = tuple[str, str]
_LABEL: Final = 26
_TRIGGERS: Final = {
    "decide": "a decision tick",
    "report": "a report of the venue",
    "quotes": "an answer of the strategy",
    "control": "an order of the operator",
    "sync": "a synchronisation",
}
_UNITS: Final = ("_bps", "_usd", "_ms")
# Steps that are about an order, and what judges the order that was named last.
_ORDERS: Final = frozenset({"pair", "replace", "place", "near_touch", "stale", "tail"})
_GATES: Final = frozenset({"circuit", "window", "backoff", "replace_throttle", "blocked"})


def text_of(found: Explanation) -> str:
    """Readable text, ASCII, ending with a line feed."""
    lines = list(_head(found))
    shown = found.requests[:1]
    side = shown[0].side if shown else None
    for decision in found.decisions[:1]:
        lines += _decision(decision, side)
    if len(found.requests) > 1:
        lines += ["", "afterwards"]
        lines += [_request_line(request) for request in found.requests[1:]]
    lines += _parameters(found.parameters)
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _head(found: Explanation) -> Iterator[str]:
    decision = found.decisions[0]
    if found.requests:
        first = found.requests[0]
        yield f"order {found.order_id} (number {found.order_number}), {found.symbol}"
        yield f"{_sent(first)}, cause {first.cause}"
        trigger = _TRIGGERS.get(first.trigger, first.trigger)
        yield f"decided {format_utc_ns(first.ts_ns)} on {trigger}, record {first.cause_seq}"
    else:
        yield f"{found.symbol}: the last decision by then"
        at = "nothing was decided" if decision.ts_ns is None else format_utc_ns(decision.ts_ns)
        yield f"decided {at}, record {decision.seq}"
    yield f"session {found.session_id}"


def _sent(request: Request) -> str:
    if request.price is None or request.qty is None:
        return request.action
    side = "" if request.side is None else f"{request.side} "
    return f"{request.action} {side}{_number(request.qty)} at {_number(request.price)}"


def _request_line(request: Request) -> str:
    return f"  {format_utc_ns(request.ts_ns)}  {_sent(request)}, cause {request.cause}"


def _decision(decision: Decision, side: str | None) -> Iterator[str]:
    """Steps, of one side and of both if a side is given; neighbours of one kind share a title."""
    title = ""
    for step in _of_side(decision.steps, side):
        heading = _title(step)
        if heading != title:
            yield ""
            yield heading
            title = heading
        name = step["step"]
        yield from _rows(_VIEWS.get(name, _plain)(name, step["fields"]))


def _of_side(steps: Iterable[Mapping[str, Any]], side: str | None) -> Iterator[Mapping[str, Any]]:
    """Checks that name no side belong to the order before them."""
    about = None
    for step in steps:
        if step["step"] in _ORDERS:
            about = step["side"]
        of = about if step["step"] in _GATES else step["side"]
        if side is None or of in {None, side}:
            yield step


def _title(step: Mapping[str, Any]) -> str:
    if step["step"] in _GATES or step["step"] == "check":
        return "checks"
    side = "" if step["side"] is None else f" {step['side']}"
    level = "" if step["level"] is None else f" level {step['level'] + 1}"
    return f"{_words(step['step'])}{side}{level}"


def _rows(lines: Iterable[Line]) -> Iterator[str]:
    for label, text in lines:
        yield f"  {label:<{_LABEL}}{text}"


def _plain(_name: str, fields: Fields) -> Iterator[Line]:
    for name, value in fields.items():
        yield _label(name), _value(name, value)


def _market(_name: str, fields: Fields) -> Iterator[Line]:
    if not fields["synced"]:
        yield "book", "not usable"
        return
    for side in ("ask", "bid"):
        yield side, f"{_number(fields[side]):>12}  x {_number(fields[side + '_qty'])}"
    rest = {k: v for k, v in fields.items() if not k.startswith(("ask", "bid", "sync"))}
    yield from _plain("market", rest)


def _spread(_name: str, fields: Fields) -> Iterator[Line]:
    yield _term(" ", "base", fields["base_spread_bps"])
    vola = f"volatility {_number(fields['k_vola_spread'])} x {_number(fields['vola_1m_bps'])}"
    yield _term("+", vola, fields["volatility_term_bps"])
    slippage = (
        f"slippage {_number(fields['slippage_penalty_coef'])}"
        f" x {_number(fields['slippage_ewma_bps'])}"
    )
    yield _term("+", slippage, fields["slippage_term_bps"])
    yield _term("x", "multiplier", fields["spread_mult"], unit="")
    yield _term("=", "spread", fields["spread_bps"])


def _skew(_name: str, fields: Fields) -> Iterator[Line]:
    yield (
        "position / limit",
        f"{_number(fields['position_usd'])} / " + (f"{_number(fields['max_position_usd'])} USD"),
    )
    yield _term("=", "inventory", fields["inventory_ratio"], unit="")
    yield _term("x", "skew coefficient", fields["skew_coeff"], unit="")
    yield _term("<", "cap", fields["cap_bps"])
    yield _term("=", "skew", fields["skew_bps"])


def _center(_name: str, fields: Fields) -> Iterator[Line]:
    yield _term(" ", "mid", fields["mid"], unit="")
    yield _term("-", "skew", fields["skew_bps"])
    yield _term("=", "centre", fields["center"], unit="")


def _level(_name: str, fields: Fields) -> Iterator[Line]:
    yield _term(" ", "off the centre", fields["offset_bps"])
    yield _term("=", "price", fields["px_raw"], unit="")
    yield _term("~", "on the tick", fields["px"], unit="")
    yield _term(" ", "quantity", fields["qty"], unit="")


def _check(_name: str, fields: Fields) -> Iterator[Line]:
    verdict = "pass" if fields["refused"] is None else f"REFUSED {fields['refused']}"
    limit = "no limit" if fields["limit"] is None else f"limit {_number(fields['limit'])}"
    text = f"{verdict:<8}  {_number(fields['value'])} {fields['unit']}, {limit}"
    if fields["qty_allowed"] != fields["qty"]:
        text += f"; quantity {_number(fields['qty'])} -> {_number(fields['qty_allowed'])}"
    yield _words(fields["check"]), text


def _gate(name: str, fields: Fields) -> Iterator[Line]:
    verdict = "pass" if fields["refused"] is None else f"REFUSED {fields['refused']}"
    rest = {key: value for key, value in fields.items() if key not in {"refused", name}}
    shown = ", ".join(f"{_label(key)} {_value(key, value)}" for key, value in rest.items())
    yield _words(name), f"{verdict:<8}  {shown or fields.get(name, '')}"


def _blocked(_name: str, fields: Fields) -> Iterator[Line]:
    yield "BLOCKED", f"{fields['detail']} (counted as {fields['reason']})"


def _request(_name: str, fields: Fields) -> Iterator[Line]:
    what = ""
    if fields["px"] is not None:
        what = f"{_number(fields['qty'])} at {_number(fields['px'])}, "
    yield f"{fields['action']} order {fields['order']}", f"{what}cause {fields['cause']}"


_VIEWS: Final[Mapping[str, Callable[[str, Fields], Iterator[Line]]]] = {
    "market": _market,
    "spread": _spread,
    "skew": _skew,
    "center": _center,
    "level": _level,
    "check": _check,
    "circuit": _gate,
    "window": _gate,
    "backoff": _gate,
    "replace_throttle": _gate,
    "blocked": _blocked,
    "request": _request,
}


def _parameters(parameters: Sequence[Parameter]) -> Iterator[str]:
    told = [one for one in parameters if one.origin != "default"]
    yield ""
    yield f"parameters in force that are no defaults ({len(parameters) - len(told)} others are)"
    width = max((len(one.key) for one in told), default=0)
    for one in told:
        yield f"  {one.key:<{width}}  {_value(one.key, one.value)}  [{one.origin}]"


def _term(sign: str, label: str, value: object, *, unit: str = "bps") -> Line:
    return f"{sign} {label}", f"{_number(value):>14} {unit}"


def _label(name: str) -> str:
    for unit in _UNITS:
        name = name.removesuffix(unit)
    return _words(name)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _value(name: str, value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_number(item) for item in value) or "none"
    unit = next((unit[1:] for unit in _UNITS if name.endswith(unit)), "")
    text = _number(value)
    return (
        f"{text} {unit.upper() if unit == 'usd' else unit}" if unit and value is not None else text
    )


def _number(value: object) -> str:
    """Plain text: no exponent, no digits that are noise."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        text = f"{value:,.6f}".rstrip("0").rstrip(".")
        return "0" if text in {"-0", ""} else text
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)
