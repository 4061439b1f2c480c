"""Where a session at a venue answers for its health and its metrics."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator

from mmbot.cli.health_watch import METRICS_PATH, HealthWatch
from mmbot.cli.listener import Listener, Response
from mmbot.cli.live_beside import Beside
from mmbot.cli.live_scene import LiveScene
from mmbot.config.operations import MonitoringConfig
from mmbot.telemetry.metrics import SessionMetrics

__all__ = ["health_watch", "listening"]


def health_watch(scene: LiveScene, beside: Beside) -> HealthWatch:
    """What publishes the health of a session."""
    return HealthWatch(
        scene.venue.source.health,
        lambda: scene.runtime.config,
        SessionMetrics(
            env=os.environ.get("MM_ENV") or "dev",
            service="mmbot",
            exchange=scene.venue.port.name,
        ),
        lambda: beside.audit.is_writable,
        beside.faults.book,
    )


@contextlib.contextmanager
def listening(
    monitoring: MonitoringConfig, host: str, watch: HealthWatch, log: Callable[[str], None]
) -> Iterator[None]:
    """Answer while the session runs; equal ports are one listener.

    Raises:
        ConfigError: ``E_ADMIN_PORT`` for a port that is in use.
    """

    def metrics_alone(path: str) -> Response | None:
        return watch.respond(path) if path == METRICS_PATH else None

    def all_but_metrics(path: str) -> Response | None:
        return None if path == METRICS_PATH else watch.respond(path)

    with contextlib.ExitStack() as stack:
        if monitoring.metrics_port == monitoring.health_port:
            stack.enter_context(Listener(host, monitoring.health_port, watch.respond))
        else:
            stack.enter_context(Listener(host, monitoring.metrics_port, metrics_alone))
            stack.enter_context(Listener(host, monitoring.health_port, all_but_metrics))
        log(f"| health | OK | http://{host}:{monitoring.health_port}/readyz |")
        yield
