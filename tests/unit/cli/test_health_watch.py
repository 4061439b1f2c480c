"""What a session publishes of itself, from its start to its end."""

import json

import pytest
from tests.unit.trading.live.shell_world import World

from mmbot.cli.health_watch import HealthWatch
from mmbot.config import AppConfig
from mmbot.telemetry.metrics import SessionMetrics
from mmbot.trading.live.fault_book import FaultWatch
from mmbot.trading.live.fault_sources import FaultSources
from mmbot.trading.live.holds import HoldReason
from mmbot.venues.ports import ConnectorHealth

UP = ConnectorHealth(ws_connected=True, lag_ms=3, reconnects=2)


def watch_of(connector=lambda: UP, *, is_audited=lambda: True):
    metrics = SessionMetrics(env="test", service="mmbot", exchange="simulated")
    return HealthWatch(connector, AppConfig, metrics, is_audited)


def ask(watch, path):
    found = watch.respond(path)
    return found.status, json.loads(found.body)


def reasons(watch, path="/readyz"):
    return ask(watch, path)[1].get("reasons", [])


def metrics_of(watch):
    found = watch.respond("/metrics")
    lines = [line for line in found.body.decode().splitlines() if not line.startswith("#")]
    return found.status, dict(line.rsplit(" ", 1) for line in lines)


@pytest.mark.spec("05-8")
def test_it_starts_is_ready_tells_what_is_wrong_and_stops(tmp_path):
    watch = watch_of()
    faults = FaultWatch(lambda _line: None, FaultSources)
    watch.faults = faults.book
    world = World(tmp_path, watches=[faults, watch])
    assert reasons(watch) == ["starting", "ws_disconnected"]
    assert watch.respond("/metrics").status == 503
    assert watch.respond("/admin/guard") is None

    async def story(world):
        await world.quoting()
        await world.until(lambda: ask(watch, "/readyz")[0] == 200)
        await world.until(lambda: ask(watch, "/healthz/orders")[1]["active_orders"] >= 2)
        body = ask(watch, "/healthz/orders")[1]
        assert body["unknown_orders"] == 0
        assert body["order_age_p95_ms"] >= 0
        assert body["last_reconcile_age_sec"] < 60
        assert ask(watch, "/healthz/connectors")[1]["ws"] == {
            "connected": True,
            "lag_ms": 3,
            "reconnects": 2,
        }
        assert ask(watch, "/healthz/risk")[0] == 200
        status, found = metrics_of(watch)
        assert status == 200
        assert found["ws_reconnects_total"] == "2"
        assert int(found['md_resyncs_total{symbol="BTCUSDT"}']) >= 1
        assert found['http_requests_total{endpoint="/metrics"}'] == "2"
        world.shell.holds.put(HoldReason.RECOVERY, "an order is not known")
        await world.until(lambda: reasons(watch) == ["reconcile_pending"])
        held = 'faults_total{name="holds",detail="recovery"}'
        await world.until(lambda: metrics_of(watch)[1].get(held) == "1")
        world.shell.holds.lift(HoldReason.RECOVERY)
        await world.until(lambda: ask(watch, "/readyz")[0] == 200)

    world.play(story)
    assert reasons(watch) == ["stopping"]


def test_what_the_adapter_does_not_say_is_what_the_session_sees(tmp_path):
    watch = watch_of(None, is_audited=lambda: False)
    world = World(tmp_path, watches=[watch])

    async def story(world):
        await world.quoting()
        await world.until(lambda: reasons(watch) == ["audit_unwritable"])
        world.shell.holds.put(HoldReason.DESYNC, "nothing can be compared")
        await world.until(lambda: "rest_unavailable" in reasons(watch))
        assert reasons(watch) == ["audit_unwritable", "reconcile_pending", "rest_unavailable"]

    world.play(story)
