"""Health and metrics of a live session, over HTTP."""

import json
import urllib.error
import urllib.request

import pytest
from tests.e2e.live_world import interrupt, until, world

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("live")]


def ask(one, path):
    """Status and body; None while nobody listens."""
    url = f"http://127.0.0.1:{one.health_port}{path}"
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as exc:
        return exc.code, exc.read().decode()
    except OSError:
        return None


@pytest.mark.spec("05-1", "05-8")
def test_a_live_session_says_how_it_is_and_a_port_in_use_stops_the_start(tmp_path):
    with world(tmp_path, "--regime", "volatile") as one:
        session = one.start()
        until(lambda: ask(one, "/readyz") == (200, '{"status":"ready"}'))
        until(lambda: json.loads(ask(one, "/healthz/orders")[1])["active_orders"])
        status, body = ask(one, "/healthz/connectors")
        found = json.loads(body)
        assert (status, found["ws"]["connected"], found["rest"]["ok"]) == (200, True, True)
        assert found["ws"]["lag_ms"] < 5_000
        status, text = ask(one, "/metrics")
        assert status == 200
        assert 'md_resyncs_total{symbol="BTCUSDT"}' in text
        assert ask(one, "/healthz/risk")[0] == 200
        assert ask(one, "/nothing") == (404, '{"error":"not_found"}')
        port = one.health_port
        words = [word for word in one.args() if word != "--i-understand-live"]
        words[words.index("live")] = "shadow"
        for name in ("health", "metrics"):
            words += ["--set", f"monitoring.{name}_port={port}"]
        other = one.mmbot("run", "--headless", *words)
        assert other.returncode == 1
        assert f"E_ADMIN_PORT: {port} cannot be listened on" in other.stderr
        one.health_port = port
        code, _, err = interrupt(session)
        assert code == 0, err
        assert ask(one, "/healthz") is None
