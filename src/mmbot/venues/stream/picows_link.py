"""Links over picows (extra `live`): frames are handed on from the callback that read them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from picows import (
    WSError,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    ws_connect,
)

from mmbot.venues.stream.link import Link, LinkError

__all__ = ["PicowsDialer"]

# Of one frame; Bybit's largest are snapshots of 1000 levels a side, about 60 kB.
_FRAME_MAX: Final = 4 << 20
_HANDSHAKE_SEC: Final = 5.0
_TEXT: Final = WSMsgType.TEXT


class _Listener(WSListener):
    """Puts fragments together and hands text on."""

    def __init__(self, on_frame: Callable[[bytes], None], on_closed: Callable[[], None]) -> None:
        self._on_frame = on_frame
        self._on_closed = on_closed
        self._parts: list[bytes] = []
        self._size = 0

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """A frame was read."""
        kind = frame.msg_type
        if kind is _TEXT and frame.fin and not self._parts:
            self._on_frame(frame.get_payload_as_bytes())
            return
        if kind is WSMsgType.CLOSE:
            transport.disconnect(graceful=False)
            return
        if kind not in (WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION):
            return
        self._parts.append(frame.get_payload_as_bytes())
        self._size += len(self._parts[-1])
        if self._size > _FRAME_MAX:
            transport.disconnect(graceful=False)
        elif frame.fin:
            whole = b"".join(self._parts)
            self._parts, self._size = [], 0
            self._on_frame(whole)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """The connection has ended."""
        del transport
        self._on_closed()


class _PicowsLink:
    """See `Link`."""

    def __init__(self, transport: WSTransport) -> None:
        self._transport = transport

    @property
    def is_open(self) -> bool:
        """Whether it can still send."""
        transport = self._transport
        return not (transport.is_disconnected or transport.is_close_frame_sent)

    def send(self, frame: bytes) -> bool:
        """Write one text frame."""
        transport = self._transport
        if transport.is_disconnected or transport.is_close_frame_sent:
            return False
        transport.send(_TEXT, frame)
        return True

    def drop(self) -> None:
        """End the connection at once."""
        self._transport.disconnect(graceful=False)


class PicowsDialer:
    """Makes links with picows."""

    async def dial(
        self, url: str, *, on_frame: Callable[[bytes], None], on_closed: Callable[[], None]
    ) -> Link:
        """Connect; see `Dialer.dial`."""
        try:
            transport, _ = await ws_connect(
                lambda: _Listener(on_frame, on_closed),
                url,
                websocket_handshake_timeout=_HANDSHAKE_SEC,
                max_frame_size=_FRAME_MAX,
                max_redirects=0,
            )
        except (OSError, WSError, TimeoutError) as exc:
            raise LinkError(f"{type(exc).__name__}: {exc}") from exc
        return _PicowsLink(transport)
