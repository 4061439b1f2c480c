"""`mmbot run` on a terminal of its own: the screen, Ctrl-C, and a second Ctrl-C."""

import os
import signal
import subprocess
import sys

import pytest

from mmbot import clock
from mmbot.trading.stopping import ECHO_NS
from mmbot.units import NS_PER_SEC

if sys.platform == "win32":
    pytest.skip("pseudo terminals", allow_module_level=True)

import fcntl
import pty
import struct
import termios

RUN = [sys.executable, "-c", "from mmbot.cli.app import main; main()", "run", "--seed", "1"]
STUBBORN = """
import time
from mmbot.trading.stopping import StopRequest
with StopRequest() as stop:
    print("ready", flush=True)
    while True:
        time.sleep(0.01)
        if stop.requested:
            print("asked", flush=True)
            time.sleep(60)
"""


def read_until(fd, wanted, *, timeout_s=30):
    seen = b""
    end_ns = clock.monotonic_ns() + timeout_s * NS_PER_SEC
    while wanted not in seen and clock.monotonic_ns() < end_ns:
        try:
            seen += os.read(fd, 65536)
        except OSError:
            break
    assert wanted in seen, seen[-2000:]
    return seen


def test_the_screen_shows_fills_and_ctrl_c_leaves_the_report(tmp_path):
    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    # The terminal's own size counts, not one that a test runner exports.
    drop = ("MM_", "COLUMNS", "LINES")
    env = {k: v for k, v in os.environ.items() if not k.startswith(drop)}
    process = subprocess.Popen(
        RUN,
        cwd=tmp_path,
        env={**env, "TERM": "xterm-256color", "ARTIFACTS_DIR": "artifacts"},
        stdin=side,
        stdout=side,
        stderr=side,
    )
    os.close(side)
    screen = read_until(main, b"maker")
    for word in (b"BTCUSDT", b"account, USD", b"edge so far", b"blocks and latency"):
        # The screen comes in pieces: the word may still be on its way.
        screen += b"" if word in screen else read_until(main, word)
    process.send_signal(signal.SIGINT)
    ending = read_until(main, b"RUN_REPORT.html")
    assert b"ended because it was interrupted" in ending
    # The second screen and the hidden cursor are given back.
    assert b"\x1b[?1049l" in ending
    assert b"\x1b[?25h" in ending
    assert process.wait(timeout=30) == 0
    os.close(main)
    assert (tmp_path / "artifacts" / "RUN_REPORT.html").is_file()


@pytest.mark.spec("02-1")
def test_a_second_signal_ends_the_process_at_once():
    command = [sys.executable, "-c", STUBBORN]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "asked\n"
        clock.sleep_ns(ECHO_NS)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 1
