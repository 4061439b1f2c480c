"""A running session takes another configuration between two steps, or says why it does not."""

import json
import queue
import re
import signal
import sys
import threading

import pytest
from tests.e2e.processes import mmbot, start

FILE = "trading:\n  symbols: [BTCUSDT]\n  base_spread_bps: {spread}\n"
WAIT_S = 30

pytestmark = pytest.mark.xdist_group("run")


class Running:
    """A session at ten times the clock, its marker lines as they come."""

    def __init__(self, place):
        (place / "config").mkdir()
        self.place = place
        self.write(FILE.format(spread=1.0))
        self.process = start(place, "--speed", "10x", "--seed", "1")
        self.lines: queue.Queue[str] = queue.Queue()
        self.seen: list[str] = []
        self._readers = [
            threading.Thread(target=self._read, args=(stream,), daemon=True)
            for stream in (self.process.stdout, self.process.stderr)
        ]
        for reader in self._readers:
            reader.start()
        self.wait_for(r"\S+Z mid=")

    def _read(self, stream):
        for line in stream:
            self.lines.put(line.rstrip())

    def write(self, text):
        (self.place / "config" / "app.yaml").write_text(text)

    def wait_for(self, pattern):
        while True:
            line = self.lines.get(timeout=WAIT_S)
            self.seen.append(line)
            if re.match(pattern, line):
                return line

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=WAIT_S) == 0
        for reader in self._readers:
            reader.join(timeout=WAIT_S)
        while not self.lines.empty():
            self.seen.append(self.lines.get())

    def versions(self):
        done = mmbot(self.place, "config", "history", "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def running(tmp_path):
    session = Running(tmp_path)
    yield session
    if session.process.poll() is None:
        session.process.kill()
        session.process.wait()
    for reader in session._readers:
        reader.join(timeout=WAIT_S)
    session.process.stdout.close()
    session.process.stderr.close()


@pytest.mark.spec("01-5")
def test_another_content_of_the_file_is_taken_while_the_session_trades(running):
    running.write(FILE.format(spread=3.0) + "recorder:\n  queue_max: 5000\n")
    line = running.wait_for(r"\| config \| RELOADED ")
    assert line == (
        "| config | RELOADED | changed=1 keys=trading.base_spread_bps "
        "needs_restart=recorder.queue_max |"
    )
    running.write(FILE.format(spread=-1.0))
    assert "base_spread_bps" in running.wait_for(r"\| config \| ERROR ")
    # It still trades.
    running.wait_for(r"\S+Z mid=")
    running.end()
    newest = running.versions()[-1]
    assert (newest["origin"], newest["changed"]) == ("reload", ["trading.base_spread_bps"])


@pytest.mark.spec("01-5")
@pytest.mark.skipif(sys.platform == "win32", reason="no such signal")
def test_sighup_reloads_at_once_and_a_rollback_from_another_process_goes_back(running):
    running.write(FILE.format(spread=2.5))
    running.process.send_signal(signal.SIGHUP)
    line = running.wait_for(r"\| config \| RELOADED ")
    assert "keys=trading.base_spread_bps" in line
    back = mmbot(running.place, "config", "rollback", "--wait", str(WAIT_S))
    assert back.returncode == 0, back.stderr
    assert re.search(r"\| config \| ROLLBACK \| to=1 changed=1 version=3 \|", back.stdout)
    changed = running.wait_for(r"\| config \| CHANGED ")
    assert changed == (
        "| config | CHANGED | version=3 origin=rollback keys=trading.base_spread_bps |"
    )
    running.wait_for(r"\S+Z mid=")
    running.end()
    assert [item["origin"] for item in running.versions()] == ["start", "reload", "rollback"]
