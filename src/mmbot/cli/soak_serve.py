"""`mmbot soak dashboard|exporter`: a run that goes on, in the browser and for Prometheus.

Both only read files, so that they may be started and stopped at any time.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from mmbot import clock
from mmbot.cli.listener import Listener, Response
from mmbot.soak.exporter import Exported, Found
from mmbot.soak.paths import SoakPaths, read_object, read_summaries
from mmbot.soak.report_html import dashboard_html
from mmbot.soak.rotate import tree_size_mb
from mmbot.trading.stopping import StopRequest
from mmbot.units import NS_PER_SEC

__all__ = ["dashboard_command", "exporter_command"]

_HOST: Final = "127.0.0.1"
_POLL_NS: Final = NS_PER_SEC // 5
_TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
_STOPS: Final = ("DRIFT_STOP", "REG_GUARD_STOP")
_API_FIELDS: Final = ("net_bps", "risk_ratio", "kpi_verdict", "maker_taker_ratio", "p95_latency_ms")

Page = Callable[[], tuple[str, str, str]]
"""Content type, body, and the ``Refresh`` header, empty for none."""


def dashboard_command(
    *,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0: any free one.")] = 5000,
    path: Annotated[
        Path | None, typer.Option("--path", metavar="DIR", show_default="artifacts/soak/latest")
    ] = None,
    refresh_sec: Annotated[int, typer.Option("--refresh-sec", min=1)] = 2,
) -> None:
    """Serve the page of the current run: iterations, charts, decisions; Ctrl-C ends it."""
    paths = _paths(path)
    pages: dict[str, Page] = {
        "/": lambda: ("text/html; charset=utf-8", _page(paths), str(refresh_sec)),
        "/api/soak/iterations": lambda: ("application/json", _iterations(paths), ""),
        "/healthz": lambda: ("application/json", '{"status":"ok"}\n', ""),
    }
    with StopRequest() as request:
        _serve(port, pages, lambda: request.requested, "dashboard", lambda: None)


def exporter_command(
    *,
    path: Annotated[
        Path | None, typer.Option("--path", metavar="DIR", show_default="artifacts/soak/latest")
    ] = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0: any free one.")] = 9109,
    interval: Annotated[float, typer.Option("--interval", min=0.1, help="Seconds.")] = 30,
) -> None:
    """Serve the newest iteration's figures to Prometheus; Ctrl-C ends it."""
    paths, exported = _paths(path), Exported()
    looked_ns = [0]

    def look() -> None:
        now_ns = clock.monotonic_ns()
        if looked_ns[0] == 0 or now_ns - looked_ns[0] >= interval * NS_PER_SEC:
            looked_ns[0] = now_ns
            exported.take(_found(paths))

    pages: dict[str, Page] = {"/metrics": lambda: (_TEXT, exported.text(), "")}
    with StopRequest() as request:
        _serve(port, pages, lambda: request.requested, "exporter", look)


def _paths(path: Path | None) -> SoakPaths:
    paths = SoakPaths.from_environment(os.environ)
    return paths if path is None else SoakPaths(paths.root, path)


def _found(paths: SoakPaths) -> Found:
    summaries, _ = read_summaries(paths.latest)
    stops = {name: read_object(paths.root / f"{name}.json") for name in _STOPS}
    return Found(
        summaries=list(summaries.values()),
        size_mb=tree_size_mb(paths.soak),
        stops={name: stop for name, stop in stops.items() if stop is not None},
        regions=read_object(paths.root / "REGION_COMPARE.json"),
    )


def _page(paths: SoakPaths) -> str:
    summaries, skipped = read_summaries(paths.latest)
    run = read_object(paths.run) or {}
    size_mb = tree_size_mb(paths.soak)
    return dashboard_html(run, list(summaries.values()), skipped=skipped, size_mb=size_mb)


def _iterations(paths: SoakPaths) -> str:
    summaries, skipped = read_summaries(paths.latest)
    rows = [_row(summary) for summary in summaries.values()]
    return json.dumps({"iterations": rows, "skipped": skipped}, sort_keys=True) + "\n"


def _row(summary: Mapping[str, Any]) -> dict[str, Any]:
    tuning = summary["tuning"]
    return {
        "iteration": summary["iteration"],
        "phase": summary.get("phase"),
        **{name: summary["summary"].get(name) for name in _API_FIELDS},
        "applied_deltas": tuning.get("applied_deltas") or {},
        "skipped_reason": tuning.get("skipped_reason"),
        "guards": tuning.get("guards") or {},
    }


def _serve(
    port: int,
    pages: Mapping[str, Page],
    stopped: Callable[[], bool],
    name: str,
    look: Callable[[], None],
) -> None:
    """Answer until a stop is asked for.

    Raises:
        ConfigError: ``E_ADMIN_PORT`` when the port is in use.
    """

    def respond(path: str) -> Response | None:
        made = pages.get(path)
        if made is None:
            return None
        kind, body, refresh = made()
        headers = {"Refresh": refresh} if refresh else {}
        return Response(200, kind, body.encode("utf-8"), headers)

    look()
    with Listener(_HOST, port, respond) as listener:
        typer.echo(f"soak {name}: http://{_HOST}:{listener.port}{next(iter(pages))}")
        while not stopped():
            clock.sleep_ns(_POLL_NS)
            look()
