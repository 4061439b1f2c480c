"""Every judgement at its bounds: what is well, what is a warning, what fails."""

import socket
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.trading.live.states import NOW, session_state
from tests.unit.venues.budget.rig import SHARED, one_bucket

from mmbot.ops.doctor import account, places, sessions
from mmbot.ops.doctor.account import KeyFacts
from mmbot.ops.doctor.finding import Level, bad, exit_code, good, warning
from mmbot.store import probes
from mmbot.trading.live.state_file import Liveness, Problem
from mmbot.units import NS_PER_DAY, NS_PER_MS, NS_PER_SEC
from mmbot.venues.budget.ledger import BucketStatus

OK, WARN, FAIL = Level.OK, Level.WARN, Level.FAIL
HERE = Path("here")


def checked(finding, level):
    assert finding.level is level, finding
    assert bool(finding.remedy) is (level is not OK)
    assert finding.text


@pytest.mark.parametrize(
    ("levels", "is_strict", "code"),
    [
        ([], False, 0),
        ([OK, OK], True, 0),
        ([OK, WARN], False, 0),
        ([OK, WARN], True, 1),
        ([OK, FAIL], False, 1),
        ([WARN, FAIL], True, 1),
    ],
)
def test_the_exit_code_is_the_verdict_and_warnings_count_only_when_strict(levels, is_strict, code):
    make = {OK: good("x", "t"), WARN: warning("x", "t", "r"), FAIL: bad("x", "t", "r")}
    assert exit_code([make[level] for level in levels], is_strict=is_strict) == code


@pytest.mark.parametrize(
    ("free", "level"), [(511, FAIL), (512, WARN), (2047, WARN), (2048, OK), (10**6, OK)]
)
def test_disk_space_is_judged_by_the_limit_at_which_quoting_stops(free, level):
    checked(places.disk_space(HERE, free, 512), level)


@pytest.mark.parametrize(
    ("samples_ms", "level"),
    [
        ([], FAIL),
        ([1, 2, 3], OK),
        ([20, 20, 20], OK),
        ([21, 21, 21], WARN),
        ([1, 1, 251], WARN),
        ([251, 251, 1], FAIL),
    ],
)
def test_syncing_is_judged_by_its_median_and_its_worst(samples_ms, level):
    checked(places.fsync_latency(HERE, [ms * NS_PER_MS for ms in samples_ms]), level)


def test_places_that_can_and_cannot_be_written(tmp_path):
    assert probes.write_probe(tmp_path / "not" / "there") is None
    assert list(tmp_path.iterdir()) == []
    assert len(probes.sync_samples(tmp_path)) == 32
    assert list(tmp_path.iterdir()) == []
    file = tmp_path / "alerts.log"
    assert probes.append_probe(file) is None
    assert not file.exists()
    file.write_bytes(b"line\n")
    assert probes.append_probe(file) is None
    assert file.read_bytes() == b"line\n"
    # what is below a file cannot be written, whoever asks
    assert probes.write_probe(file / "below") is not None
    assert probes.sync_samples(file / "below") == []
    assert probes.append_probe(tmp_path) is not None
    assert probes.free_mb(tmp_path / "not" / "there") > 0
    checked(places.writable("x", file, "denied"), FAIL)
    checked(places.writable("x", file, None), OK)


def test_a_port_in_use_fails_unless_a_session_is_alive():
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        trouble = sessions.port_trouble("127.0.0.1", port)
    assert trouble == "is in use"
    assert sessions.port_trouble("127.0.0.1", port) is None
    assert sessions.port_trouble("203.0.113.1", 0) not in (None, "is in use")
    checked(sessions.ports({8080: None}, has_live_session=False), OK)
    checked(sessions.ports({8080: trouble}, has_live_session=False), FAIL)
    checked(sessions.ports({8080: trouble}, has_live_session=True), WARN)


LIVE = session_state()
OLD = replace(LIVE, session="old", started_ns=LIVE.started_ns - 1)


@pytest.mark.parametrize(
    ("verdicts", "level"),
    [
        ([], OK),
        ([(LIVE, Liveness.LIVE)], OK),
        ([(LIVE, Liveness.ENDED)], OK),
        ([(LIVE, Liveness.DEAD)], FAIL),
        ([(replace(LIVE, mode="paper"), Liveness.DEAD)], WARN),
        ([(LIVE, Liveness.LIVE), (OLD, Liveness.DEAD)], OK),
        ([(replace(LIVE, unconfirmed_orders=1), Liveness.ENDED)], FAIL),
    ],
)
def test_a_session_that_died_is_a_failure_unless_a_later_one_took_over(verdicts, level):
    checked(sessions.state_files(verdicts, []), level)


def test_a_state_file_that_cannot_be_read_is_a_warning():
    checked(sessions.state_files([], [Problem(HERE, "broken")]), WARN)


@pytest.mark.parametrize(
    ("age_sec", "found", "level"),
    [
        (0, Liveness.LIVE, OK),
        (10, Liveness.STALE, OK),
        (11, Liveness.STALE, FAIL),
        (999, Liveness.DEAD, OK),
    ],
)
@pytest.mark.spec("09-1")
def test_a_process_without_a_heartbeat_hangs(age_sec, found, level):
    checked(sessions.heartbeats([(LIVE, found)], now_ns=NOW + age_sec * NS_PER_SEC), level)


def test_locks_that_nobody_holds_are_named():
    checked(sessions.lock_files({}), OK)
    checked(sessions.lock_files({"a.lock": True}), OK)
    found = sessions.lock_files({"a.lock": True, "b.lock": False})
    checked(found, WARN)
    assert "b.lock" in found.text


@pytest.mark.parametrize(
    ("offset_ms", "level"),
    [(0, OK), (500, OK), (-500, OK), (501, WARN), (-1000, WARN), (1001, FAIL), (-9999, FAIL)],
)
def test_the_clock_is_judged_on_both_sides(offset_ms, level):
    checked(account.clock_offset(offset_ms * NS_PER_MS), level)


WELL = KeyFacts(
    can_trade=True,
    can_withdraw=False,
    is_read_only=False,
    has_address_list=True,
    expires_ns=None,
)


@pytest.mark.parametrize(
    ("changes", "level"),
    [
        ({}, OK),
        ({"can_withdraw": True}, FAIL),
        ({"is_read_only": True}, FAIL),
        ({"can_trade": False}, FAIL),
        ({"can_trade": None, "can_withdraw": None}, WARN),
        ({"has_address_list": False}, WARN),
        ({"expires_ns": NOW + 13 * NS_PER_DAY}, WARN),
        ({"expires_ns": NOW + 15 * NS_PER_DAY}, OK),
    ],
)
def test_a_key_may_trade_and_nothing_more(changes, level):
    checked(account.permissions(replace(WELL, **changes), now_ns=NOW), level)


@pytest.mark.parametrize(
    ("status", "level"),
    [
        (BucketStatus(10, 10, 0), OK),
        (BucketStatus(10, 2, 0), OK),
        (BucketStatus(10, 1, 0), WARN),
        (BucketStatus(9, 9, 0), WARN),
        (BucketStatus(20, 20, 0), OK),
        (BucketStatus(10, 10, 1), FAIL),
    ],
)
def test_the_rate_budget_is_judged_by_limit_rest_and_block(status, level):
    checked(account.rate_budget({SHARED: status}, one_bucket(10)), level)


def test_credentials_and_instruments():
    checked(account.credentials(None, equity="100"), OK)
    checked(account.credentials("refused"), FAIL)
    checked(account.instruments(["A", "B"], ["B", "A"]), OK)
    found = account.instruments(["A", "B"], ["A"])
    checked(found, FAIL)
    assert found.text.startswith("B ")
