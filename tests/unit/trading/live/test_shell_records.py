"""What a session has heard: stalls of its loop, and when it is to compare with the venue."""

import pytest

from mmbot.trading.live.shell_records import STALL_NS, Heard
from mmbot.units import NS_PER_SEC

NOW = 100 * NS_PER_SEC


def test_only_what_is_felt_is_a_stall():
    heard = Heard()
    for late_ns in (0, -5, STALL_NS, STALL_NS + 1, 3 * STALL_NS, STALL_NS + 2):
        heard.woke(late_ns)
    assert (heard.stalls, heard.longest_stall_ns) == (3, 3 * STALL_NS)


@pytest.mark.parametrize(
    ("cycled_sec", "is_reconnected", "is_paused", "due_sec"),
    [
        (99, False, True, 101),
        (95, False, True, 97),
        # a break between two comparisons, whatever happened
        (99.5, True, False, 100.5),
        (80, True, False, 100),
    ],
)
def test_a_comparison_is_due(cycled_sec, is_reconnected, is_paused, due_sec):
    heard = Heard(
        cycled_ns=int(cycled_sec * NS_PER_SEC), reconnected_ns=NOW if is_reconnected else None
    )
    due_ns = heard.cycle_due_ns(NOW, is_paused=is_paused)
    assert due_ns == due_sec * NS_PER_SEC
