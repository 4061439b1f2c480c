"""`mmbot doctor` on the local exchange, well and with planted trouble."""

from __future__ import annotations

import json
import os
import socket
import subprocess

import pytest
from tests.conformance.conftest import MMBOT, serving
from tests.integration.watchdog.test_watchdog import environment
from tests.unit.trading.live.states import session_state

from mmbot.clock import wall_ns
from mmbot.trading.live.state_file import write_state

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("conformance")]

PATIENCE_S = 60


@pytest.fixture(scope="module")
def venue(tmp_path_factory):
    directory = tmp_path_factory.mktemp("doctor")
    with serving(directory, "--symbols", "BTCUSDT", "--regime", "calm") as running:
        yield running


def with_key(directory, place, **more: str) -> dict[str, str]:
    secret = directory / "secret"
    secret.write_text("mmbot-local-secret-1\n")
    secret.chmod(0o600)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    keys = {"BYBIT_API_KEY": "mmbot-local-key-1", "BYBIT_API_SECRET_FILE": str(secret)}
    ports = {"MM_CFG__monitoring__metrics_port": port, "MM_CFG__monitoring__health_port": port}
    return environment(directory, place, **{**keys, **ports, **more})


def doctor(env, directory, *options: str) -> tuple[int, dict[str, dict[str, str]]]:
    command = [*MMBOT, "doctor", "--json", *options]
    done = subprocess.run(
        command,
        env=env,
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    assert report["status"] == ("fail" if done.returncode else "ok")
    assert "mmbot-local-secret" not in done.stdout + done.stderr
    checks = {row["name"]: row for row in report["checks"]}
    failed = sorted(name for name, row in checks.items() if row["status"] == "fail")
    assert report["reasons"] == failed
    assert all(row["remedy"] for row in checks.values() if row["status"] != "ok")
    return done.returncode, checks


@pytest.mark.spec("09-1")
def test_a_machine_and_an_account_that_can_trade(venue, tmp_path):
    code, checks = doctor(with_key(tmp_path, venue), tmp_path, "--live")
    assert code == 0, checks
    assert {
        "artifacts_dir_write",
        "alerts_log_writable",
        "clock_offset",
        "config",
        "credentials",
        "data_catalog",
        "dependencies",
        "disk_space",
        "fsync_latency",
        "instruments",
        "loops_heartbeats_fresh",
        "permissions",
        "ports",
        "rate_budget",
        "rust_extension",
        "snapshots_dirs_access",
        "stale_lock",
        "stale_pid",
        "watchdog_credentials",
    } <= set(checks)
    # the local exchange's key works from everywhere, and there are no data yet
    warned = {name for name, row in checks.items() if row["status"] == "warn"}
    assert {"data_catalog", "permissions"} <= warned
    code, _ = doctor(with_key(tmp_path, venue), tmp_path, "--live", "--strict")
    assert code == 1


def test_lines_for_people_name_check_and_remedy(venue, tmp_path):
    env = with_key(tmp_path, venue)
    done = subprocess.run(
        [*MMBOT, "doctor", "--offline"],
        env=env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["OK", "config", "valid"]
    assert all(line[:4].strip() in {"OK", "WARN", "FAIL"} for line in lines)
    assert [" -> " in line for line in lines] == [not line.startswith("OK ") for line in lines]
    assert not any("clock_offset" in line for line in lines)


def test_each_planted_trouble_is_found_by_its_own_check(venue, tmp_path):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1])
        env = with_key(
            tmp_path,
            venue,
            MM_CFG__monitoring__metrics_port=port,
            MM_CFG__monitoring__health_port=port,
            MM_CFG__storage__min_free_mb=str(10**9),
            BYBIT_API_KEY="no-such-key",
            WATCHDOG_API_KEY="no-such-key",
        )
        artifacts = tmp_path / "artifacts"
        dead = session_state(pid=2**22 - 1, process="1", started_ns=wall_ns())
        write_state(dead, artifacts / "state")
        (artifacts / "soak").mkdir()
        (artifacts / "soak" / "soak.lock").write_text('{"host":"elsewhere","pid":1}')
        os.utime(artifacts / "soak" / "soak.lock", (1, 1))
        options = ("--live", "--set", 'trading.symbols=["BTCUSDT","NOSUCHUSDT"]')
        code, checks = doctor(env, tmp_path, *options)
    assert code == 1
    found = {name for name, row in checks.items() if row["status"] == "fail"}
    assert found == {
        "credentials",
        "disk_space",
        "instruments",
        "ports",
        "stale_pid",
        "watchdog_credentials",
    }
    assert checks["stale_lock"]["status"] == "warn"


def test_a_clock_that_is_off_and_a_venue_that_is_silent(tmp_path):
    faults = tmp_path / "faults.yaml"
    faults.write_text("- {at_ms: 0, kind: clock_skew, skew_ms: 2500}\n")
    with serving(tmp_path, "--symbols", "BTCUSDT", "--faults", str(faults)) as place:
        env = with_key(tmp_path, place)
        code, checks = doctor(env, tmp_path)
    assert (code, checks["clock_offset"]["status"]) == (1, "fail")
    code, checks = doctor(env, tmp_path)
    assert (code, checks["venue"]["status"]) == (1, "fail")
    code, checks = doctor(env, tmp_path, "--set", "trading.order_ttl=1")
    assert (code, list(checks)) == (1, ["config"])


def test_redis_is_asked_for_when_sessions_share_leadership(venue, tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{probe.getsockname()[1]}/0"
    env = with_key(
        tmp_path,
        venue,
        MM_CFG__ha_failover__enabled="true",
        MM_CFG__ha_failover__redis_url=url,
        MM_CFG__storage__url="postgresql+psycopg://market_maker@localhost:5432/market_maker",
        MM_CFG__trading__recv_window_ms="500",
    )
    code, checks = doctor(env, tmp_path)
    assert (code, checks["redis"]["status"]) == (1, "fail")
