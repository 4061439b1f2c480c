"""What every test starts from: no inherited settings, artifacts in a temporary place, fixed seeds.

Recorded market data is optional: tests ask for it through `real_data` and are skipped without it,
and the report ends with a line that says how many and why.
"""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from tests.postgres import NO_POSTGRES, Cluster, binaries_missing

# Derandomised: one commit runs the same examples everywhere. No deadline: time is not behaviour.
settings.register_profile(
    "mmbot",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("mmbot")

REAL_DATA = os.environ.get("MMBOT_REAL_DATA", "")
NO_REAL_DATA = "MMBOT_REAL_DATA is not set"


def pytest_addoption(parser):
    parser.addoption("--kill-points", type=int, default=2, help="times a live session is killed")
    parser.addoption("--kill-seed", type=int, default=1, help="of the moments of the kills")
    parser.addoption("--kill-report", help="a file for the figures of the kills, JSON")
    parser.addoption("--kill-seconds", type=float, help="bound of p99 until it quotes again")
    parser.addoption("--cut-points", type=int, default=1000, help="places where a journal is cut")
    parser.addoption("--market-hours", type=float, default=1.0, help="of a session that is watched")
    parser.addoption(
        "--live-minutes", type=float, default=0.5, help="of a live one that is watched"
    )
    parser.addoption("--limits-minutes", type=float, default=0.2, help="with limits cut to a tenth")
    parser.addoption("--limits-report", default="", help="file for the figures of that")
    parser.addoption("--fuzz-cases", type=int, default=40_000, help="mutations for each decoder")
    parser.addoption("--fuzz-seconds", type=float, help="of a processor for each, instead of that")
    parser.addoption("--fuzz-report", help="a file for what each came to, one line of JSON each")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch, tmp_path):
    for name in list(os.environ):
        if name.startswith(("MM_", "BYBIT_", "ADMIN_", "STORAGE_")) or name in {
            "CONFIG_PATH",
            "LOG_LEVEL",
        }:
            monkeypatch.delenv(name)
    monkeypatch.setenv("ARTIFACTS_DIR", str(tmp_path / "artifacts"))
    monkeypatch.setenv("TZ", "UTC")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The directory of recorded market data; the test is skipped where there is none."""
    if not REAL_DATA:
        pytest.skip(NO_REAL_DATA)
    directory = Path(REAL_DATA)
    assert any(directory.iterdir()), f"MMBOT_REAL_DATA is empty: {directory}"
    return directory


@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL of this process's own; the test is skipped where there are no binaries."""
    if binaries_missing():
        pytest.skip(NO_POSTGRES)
    cluster = Cluster()
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.xdist_group("pg"))])
def store_url(request, tmp_path, monkeypatch):
    """The address of an empty store, on each backend in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store/mmbot.db"
    cluster = request.getfixturevalue("postgres")
    monkeypatch.setenv("STORAGE_PG_PASSWORD", cluster.password)
    return cluster.url()


def pytest_terminal_summary(terminalreporter):
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, value in report.user_properties:
                if name == "figures" and report.when == "call":
                    terminalreporter.write_line(value)
    for why in (NO_REAL_DATA, NO_POSTGRES):
        skipped = [
            report
            for report in terminalreporter.getreports("skipped")
            if why in str(report.longrepr)
        ]
        if skipped:
            terminalreporter.write_sep("!", f"{why}: {len(skipped)} tests did not run", red=True)
