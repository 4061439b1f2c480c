"""`mmbot soak dashboard|exporter` answer over HTTP from the files of a run."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest
from tests.integration.soak.runs import FROZEN

from mmbot.cli.app import run_cli

RUN = ["soak", "run", "--mock", "--auto-tune", "--sleep-seconds", "0", "--iterations", "3"]


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    for name, value in FROZEN.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@contextmanager
def served(*args):
    """The address that a command says it serves; Ctrl-C ends it with exit 0."""
    line = [sys.executable, "-u", "-c", "from mmbot.cli.app import main; main()", "soak", *args]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True, env={**os.environ}) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"http://\S+", process.stdout.readline())
            assert found is not None
            yield found.group(0)
        finally:
            process.send_signal(signal.SIGINT)
            code = process.wait(timeout=30)
        assert code == 0


def fetch(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.headers, answer.read().decode()


@pytest.mark.spec("07-18")
def test_the_dashboard_shows_iterations_and_survives_a_damaged_record(place, capsys):
    with served("dashboard", "--port", "0") as address:
        headers, page = fetch(address)
        assert "Soak Test Dashboard" in page
        assert "iteration 0 of ?" in page
        assert headers["Refresh"] == "2"
        assert run_cli(RUN) == 0
        capsys.readouterr()
        latest = place / "artifacts" / "soak" / "latest"
        (latest / "ITER_SUMMARY_2.json").write_bytes(b'{"iteration": 2, "summ')
        assert "iteration 2 of 3" in fetch(address)[1]
        found = json.loads(fetch(f"{address}api/soak/iterations")[1])
        assert [row["iteration"] for row in found["iterations"]] == [1, 3]
        assert found["iterations"][0]["net_bps"] == -1.5
        assert found["skipped"] == ["ITER_SUMMARY_2.json"]
        assert json.loads(fetch(f"{address}healthz")[1]) == {"status": "ok"}
        with pytest.raises(urllib.error.HTTPError):
            fetch(f"{address}etc/passwd")


@pytest.mark.spec("07-18")
def test_the_exporter_follows_a_run(capsys):
    with served("exporter", "--port", "0", "--interval", "0.1") as address:
        assert "soak_exporter_up 0\n" in fetch(address)[1]
        assert run_cli(RUN) == 0
        capsys.readouterr()
        text = ""
        for _ in range(400):
            text = fetch(address)[1]
            if "soak_iteration 3\n" in text:
                break
            time.sleep(0.05)
        assert "soak_iteration 3\n" in text
        assert "soak_exporter_up 1\n" in text
        assert address.endswith("/metrics")


def test_a_port_in_use_is_told(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert run_cli(["soak", "exporter", "--port", port]) == 1
    assert capsys.readouterr().err.startswith(f"E_ADMIN_PORT: {port}")
