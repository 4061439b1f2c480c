"""One HTTP listener on a thread of its own: whatever it does, nobody waits for it.

It knows GET and HEAD; what is answered comes from a function that reads what was published.
"""

from __future__ import annotations

import errno
import http.server
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

from mmbot.errors import ConfigError
from mmbot.store.canonical import canonical_json
from mmbot.telemetry.logs import get_logger

__all__ = ["Listener", "Response", "json_response"]

_JSON: Final = "application/json"
# Of one client that sends nothing; it keeps no thread for longer.
_IDLE_SEC: Final = 10.0
_BUSY: Final = (errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL)


@dataclass(frozen=True, slots=True)
class Response:
    """An answer."""

    status: int
    content_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def json_response(status: int, body: object) -> Response:
    """Canonical JSON, without the line feed that files have."""
    return Response(status, _JSON, canonical_json(body, nonfinite="null").rstrip(b"\n"))


_LOG: Final = get_logger("http")
_INTERNAL: Final = json_response(500, {"error": "internal"})
_NOT_FOUND: Final = json_response(404, {"error": "not_found"})
_NOT_ALLOWED: Final = json_response(405, {"error": "method_not_allowed"})


class Listener:
    """Answers from its creation to `close`.

    Args:
        host: address to bind.
        port: 0 for any free one.
        respond: the answer to a path without its query; None for one that does not exist.

    Raises:
        ConfigError: ``E_ADMIN_PORT`` when the port cannot be listened on.
    """

    def __init__(self, host: str, port: int, respond: Callable[[str], Response | None]) -> None:
        try:
            self._server = http.server.ThreadingHTTPServer((host, port), _handler(respond))
        except OSError as exc:
            if exc.errno not in _BUSY:
                raise
            raise ConfigError("E_ADMIN_PORT", str(port), "cannot be listened on") from exc
        self._thread = threading.Thread(
            target=self._server.serve_forever, name=f"mmbot-http-{self.port}", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Answer nobody any more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Handler(http.server.BaseHTTPRequestHandler):
    """One connection; what `http.server` calls is named by it."""

    timeout = _IDLE_SEC
    respond: Callable[[str], Response | None]

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        try:
            found = self.respond(path) or _NOT_FOUND
        except Exception:  # noqa: BLE001 -- nobody is above it, and the session goes on
            _LOG.exception("request failed", path=path)
            found = _INTERNAL
        self._send(found)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        self._send(_NOT_ALLOWED)

    def do_PUT(self) -> None:
        self.do_POST()

    def do_PATCH(self) -> None:
        self.do_POST()

    def do_DELETE(self) -> None:
        self.do_POST()

    def _send(self, response: Response) -> None:
        self.send_response(response.status)
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(len(response.body)))
        self.send_header("Cache-Control", "no-store")
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- its name there
        """Say nothing: probes come every few seconds."""


def _handler(respond: Callable[[str], Response | None]) -> type[_Handler]:
    return type("Handler", (_Handler,), {"respond": staticmethod(respond)})
