"""What the health paths answer, reason by reason."""

from dataclasses import replace

import pytest

from mmbot.api.health import PATHS, HealthView, answer
from mmbot.units import NS_PER_SEC
from mmbot.venues.ports import ConnectorHealth

NOW = 1_700_000_000 * NS_PER_SEC
UP = ConnectorHealth(ws_connected=True, lag_ms=12, reconnects=1, rest_ok=True, rest_error_rate=0.1)
WELL = HealthView(
    at_ns=NOW,
    stage="trading",
    drawdown_day=0.02,
    active_orders=4,
    reconciled_ns=NOW - 7 * NS_PER_SEC,
    reject_rate=0.25,
    order_age_p95_ms=850.0,
    connector=UP,
)


def ask(path, view=WELL, *, now_ns=NOW):
    return answer(path, view, now_ns=now_ns, started_ns=NOW - 90 * NS_PER_SEC)


@pytest.mark.spec("05-8")
def test_a_session_that_is_well_says_so_on_every_path():
    assert {path: ask(path) for path in PATHS} == {
        "/healthz": (200, {"status": "ok", "uptime_seconds": 90.0}),
        "/readyz": (200, {"status": "ready"}),
        "/healthz/orders": (
            200,
            {
                "status": "ok",
                "active_orders": 4,
                "unknown_orders": 0,
                "last_reconcile_age_sec": 7.0,
                "reject_rate": 0.25,
                "order_age_p95_ms": 850.0,
            },
        ),
        "/healthz/risk": (
            200,
            {
                "status": "ok",
                "risk_paused": False,
                "guard_paused_effective": False,
                "drawdown_day": 0.02,
                "intraday_caps_breached": False,
                "position_skew_breach": False,
            },
        ),
        "/healthz/connectors": (
            200,
            {
                "status": "ok",
                "ws": {"connected": True, "lag_ms": 12, "reconnects": 1},
                "rest": {"ok": True, "error_rate": 0.1},
                "circuit": "closed",
            },
        ),
    }


@pytest.mark.spec("05-8")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"guard_paused": True}, "guard_paused_effective"),
        ({"circuit": "open"}, "circuit_open"),
        ({"risk_paused": True}, "risk_paused"),
        ({"connector": replace(UP, ws_connected=False)}, "ws_disconnected"),
        ({"connector": replace(UP, rest_ok=False)}, "rest_unavailable"),
        ({"is_reconciling": True}, "reconcile_pending"),
        ({"is_audit_writable": False}, "audit_unwritable"),
        ({"leads": False}, "not_leader"),
        ({"stage": "starting"}, "starting"),
        ({"stage": "stopping"}, "stopping"),
    ],
)
def test_each_reason_alone_makes_a_session_not_ready(changes, reason):
    found = ask("/readyz", replace(WELL, **changes))
    assert found == (503, {"status": "not_ready", "reasons": [reason]})


@pytest.mark.spec("05-8")
def test_reasons_are_sorted_and_a_half_open_circuit_is_none():
    view = replace(WELL, risk_paused=True, leads=False, is_audit_writable=False)
    assert ask("/readyz", view)[1]["reasons"] == ["audit_unwritable", "not_leader", "risk_paused"]
    assert ask("/readyz", replace(WELL, circuit="half_open")) == (200, {"status": "ready"})


@pytest.mark.spec("05-8")
@pytest.mark.parametrize(
    ("path", "changes", "reasons"),
    [
        ("orders", {"oldest_unknown_ns": NOW - 10 * NS_PER_SEC}, []),
        ("orders", {"oldest_unknown_ns": NOW - 10 * NS_PER_SEC - 1}, ["unknown_orders"]),
        ("orders", {"reconciled_ns": NOW - 60 * NS_PER_SEC}, []),
        ("orders", {"reconciled_ns": NOW - 60 * NS_PER_SEC - 1}, ["reconcile_stale"]),
        ("orders", {"reconciled_ns": None}, ["reconcile_stale"]),
        ("risk", {"risk_paused": True}, ["risk_paused"]),
        (
            "risk",
            {"caps_breached": True, "skew_breached": True},
            ["caps_breached", "skew_breached"],
        ),
        ("risk", {"guard_paused": True}, []),
        ("connectors", {"connector": replace(UP, ws_connected=False)}, ["ws_disconnected"]),
        ("connectors", {"ws_lag_ms_max": 12.0}, []),
        ("connectors", {"ws_lag_ms_max": 11.9}, ["ws_lag"]),
        ("connectors", {"rest_error_rate_max": 0.1}, []),
        ("connectors", {"rest_error_rate_max": 0.09}, ["rest_errors"]),
        ("connectors", {"circuit": "open"}, ["circuit_open"]),
        ("connectors", {"connector": replace(UP, lag_ms=None), "ws_lag_ms_max": 0.0}, []),
    ],
)
def test_parts_fail_beyond_their_bounds_and_still_say_everything(path, changes, reasons):
    status, body = ask(f"/healthz/{path}", replace(WELL, **changes))
    assert status == (503 if reasons else 200)
    assert body.pop("status") == ("fail" if reasons else "ok")
    assert body.pop("reasons", []) == reasons
    assert set(body) == set(ask(f"/healthz/{path}")[1]) - {"status"}


@pytest.mark.parametrize("path", sorted(set(PATHS) - {"/healthz"}))
def test_a_session_whose_loop_stands_still_is_not_well(path):
    assert ask(path, now_ns=NOW + 5 * NS_PER_SEC)[0] == 200
    status, body = ask(path, now_ns=NOW + 5 * NS_PER_SEC + 1)
    assert (status, body["reasons"]) == (503, ["loop_stalled"])


def test_while_it_starts_there_is_nothing_to_reconcile_and_the_process_answers():
    view = HealthView(at_ns=0, stage="starting")
    assert ask("/healthz", view)[0] == 200
    assert ask("/healthz/orders", view)[0] == 200
    assert ask("/readyz", view)[1]["reasons"] == ["starting", "ws_disconnected"]
