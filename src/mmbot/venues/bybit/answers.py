"""What Bybit answers to a call, as facts: a result, or how the call failed. Pure.

REST: ``{"retCode":0,"retMsg":"OK","result":{...},"retExtInfo":{...},"time":1700000000000}``; the
trade socket says ``data`` instead of ``result`` and has its headers in ``header``. An answer to a
batch has the ids of each order in ``result.list`` and its code in ``retExtInfo.list``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec

from mmbot.venues.bybit.codes import BYBIT_CODES
from mmbot.venues.bybit.rows import Text
from mmbot.venues.failures import Failure, FailureKind, Operation
from mmbot.venues.ports import CallError
from mmbot.venues.records import Ack

__all__ = [
    "Answer",
    "Asked",
    "acks_of",
    "decode_result",
    "raise_for_code",
    "read_answer",
    "retry_after_ms",
]

T = TypeVar("T")
_RESET: Final = "x-bapi-limit-reset-timestamp"
_WAIT_MAX_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked: for errors. `cids` are those of the orders of the request, in order."""

    operation: Operation
    symbol: str = ""
    cids: tuple[str, ...] = ()
    is_batch: bool = False

    def error(
        self,
        kind: FailureKind,
        message: str,
        *,
        is_sent: bool = True,
        http_status: int | None = None,
        code: int | None = None,
        wait_ms: int | None = None,
    ) -> CallError:
        """The error of this request."""
        failure = Failure(
            operation=self.operation,
            is_sent=is_sent,
            kind=kind,
            http_status=http_status,
            code=code,
            retry_after_ms=wait_ms,
        )
        return CallError(failure, symbol=self.symbol, message=message)


class Answer(msgspec.Struct, frozen=True, rename="camel"):
    """The envelope of a REST answer or, with ``data``, of the trade socket."""

    ret_code: int
    ret_msg: str = ""
    result: msgspec.Raw = msgspec.Raw(b"{}")
    data: msgspec.Raw = msgspec.Raw(b"{}")
    ret_ext_info: msgspec.Raw = msgspec.Raw(b"{}")
    time: int = 0
    req_id: str = ""
    op: str = ""
    header: Mapping[str, str] = {}

    @property
    def payload(self) -> msgspec.Raw:
        """What was answered, on either way."""
        return self.data if self.op else self.result


class _Ids(msgspec.Struct, frozen=True, rename="camel"):
    order_id: Text = ""
    order_link_id: Text = ""


class _IdList(msgspec.Struct, frozen=True, rename="camel"):
    list: Sequence[_Ids] = ()


class _Code(msgspec.Struct, frozen=True, rename="camel"):
    code: int
    msg: str = ""


class _CodeList(msgspec.Struct, frozen=True, rename="camel"):
    list: Sequence[_Code] = ()


_ANSWER: Final = msgspec.json.Decoder(Answer)


def read_answer(body: bytes) -> Answer | None:
    """The envelope; None for anything else."""
    try:
        return _ANSWER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def raise_for_code(
    answer: Answer, asked: Asked, *, headers: Mapping[str, str], http_status: int | None
) -> None:
    """Let only success pass.

    Raises:
        CallError: the venue refused.
    """
    if answer.ret_code == 0:
        return
    raise asked.error(
        FailureKind.CODE,
        answer.ret_msg,
        http_status=http_status,
        code=answer.ret_code,
        wait_ms=retry_after_ms(headers, answer=answer),
    )


def retry_after_ms(headers: Mapping[str, str], *, answer: Answer | None) -> int | None:
    """What the venue asks to wait: ``Retry-After``, or after a rate limit its reset time."""
    lower = {name.lower(): value for name, value in headers.items()}
    seconds = lower.get("retry-after", "")
    if _is_whole(seconds):
        return min(int(seconds) * 1000, _WAIT_MAX_MS)
    reset = lower.get(_RESET, "")
    if answer is None or answer.ret_code not in BYBIT_CODES.rate_limit or not _is_whole(reset):
        return None
    now_ms = answer.time or int(lower.get("timenow", "0") or 0)
    return min(max(int(reset) - now_ms, 0), _WAIT_MAX_MS) if now_ms else None


def decode_result(raw: msgspec.Raw, shape: type[T], asked: Asked) -> T:
    """The result as a struct.

    Raises:
        CallError: `MALFORMED`, naming the field.
    """
    try:
        return msgspec.json.decode(raw, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise asked.error(FailureKind.MALFORMED, f"unexpected answer: {exc}") from exc


def acks_of(answer: Answer, asked: Asked) -> list[Ack | CallError]:
    """What became of each order of a request, in their order.

    Raises:
        CallError: `MALFORMED`; nothing is known of any of them.
    """
    if not asked.is_batch:
        ids = decode_result(answer.payload, _Ids, asked)
        return [Ack(cid=asked.cids[0], order_id=ids.order_id)]
    rows = decode_result(answer.payload, _IdList, asked).list
    codes = decode_result(answer.ret_ext_info, _CodeList, asked).list
    if not len(rows) == len(codes) == len(asked.cids):
        raise asked.error(FailureKind.MALFORMED, "a batch was answered in part")
    out: list[Ack | CallError] = []
    for cid, row, code in zip(asked.cids, rows, codes, strict=True):
        if code.code == 0:
            out.append(Ack(cid=cid, order_id=row.order_id))
        else:
            one = Asked(asked.operation, asked.symbol, (cid,))
            out.append(one.error(FailureKind.CODE, code.msg, code=code.code))
    return out


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 15
