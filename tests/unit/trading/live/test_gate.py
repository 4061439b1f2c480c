"""What leaves: all cancels, and of the rest what may and is not too old."""

from tests.unit.trading.live.made_orders import Asked, ledger_with

from mmbot.trading.live.gate import DECIDED_MAX_NS, Gate
from mmbot.trading.live.rejects import RejectBrake

A, B = "BTCUSDT", "ETHUSDT"


def asked(*cids, kind="place", ts_ns=0):
    return [Asked(kind=kind, cid=cid, ts_ns=ts_ns) for cid in cids]


def gate(brake=None, now_ns=0, *, is_open=True, under_way=()):
    ledger = ledger_with(*under_way)
    lines: list[str] = []
    one = Gate(ledger, brake or RejectBrake((A, B)), lambda: now_ns, lines.append, is_open=is_open)
    return one, lines


def test_a_closed_gate_lets_cancels_out_and_nothing_else():
    requests = [*asked(1, 2), *asked(1, kind="cancel")]
    for is_open, staying in ((False, requests[:2]), (True, [])):
        one, lines = gate(is_open=is_open)
        assert (one.staying(requests), lines) == (staying, [])
        assert one.gated == len(staying)


def test_a_decision_that_waited_too_long_stays_and_is_told_and_its_cancels_do_not():
    old, new = asked(1), asked(2, ts_ns=1_000_000)
    requests = [*old, *new, *asked(1, kind="cancel")]
    one, lines = gate(now_ns=DECIDED_MAX_NS + 1_000_000)
    assert one.staying(requests) == old
    assert one.late == 1
    assert lines == ["| gate | LATE | requests=1 decided_ms_ago=1001 |"]


def test_after_a_refusal_no_more_are_under_way_than_may_be_refused():
    brake = RejectBrake((A, B))
    for at in range(3):
        brake.refused("110007", A, at)
    requests = asked(1, 2, 3, 4)
    one, _ = gate(brake, 5)
    assert one.staying(requests) == requests[2:]
    # One that is under way already takes a place.
    one, _ = gate(brake, 5, under_way=asked(9))
    assert one.staying(requests) == requests[1:]
