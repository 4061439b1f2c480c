"""Market time follows wall time, and steps at full speed stay short."""

import pytest

from mmbot.errors import ConfigError
from mmbot.trading.pacing import Pacer, parse_speed

MS = 1_000_000


def test_speeds():
    assert [parse_speed(text) for text in ("1x", "10x", "max")] == [1, 10, None]
    for text in ("2x", "", "MAX", "-1x"):
        with pytest.raises(ConfigError, match="--speed must be one of 1x, 10x, max"):
            parse_speed(text)


def test_market_time_runs_at_a_multiple_of_wall_time():
    pacer = Pacer(10, market_ns=5_000, wall_ns=0)
    assert pacer.target_ns(20 * MS) == 5_000 + 200 * MS
    assert pacer.target_ns(50 * MS) == 5_000 + 500 * MS
    assert pacer.rest_ns(52 * MS) == 8 * MS
    assert pacer.rest_ns(90 * MS) == 0


def test_a_suspended_machine_does_not_make_the_engine_race():
    pacer = Pacer(1, market_ns=0, wall_ns=0)
    assert pacer.target_ns(3600_000 * MS) == 1_000 * MS
    assert pacer.target_ns(3600_010 * MS) == 1_010 * MS


def test_full_speed_takes_steps_of_about_the_same_wall_time():
    pacer = Pacer(None, market_ns=0, wall_ns=0)
    now, taken = 0, []
    for _ in range(40):
        before = pacer.market_ns
        step = pacer.target_ns(now) - before
        now += step // 1000  # an engine at a thousand times real time
        taken.append(step // 1000)
        assert pacer.rest_ns(now) == 0
    assert all(10 * MS < wall < 60 * MS for wall in taken[-10:])


def test_a_market_of_now_is_made_up_for_after_a_suspension():
    pacer = Pacer(1, market_ns=0, wall_ns=0, follows=True)
    assert pacer.target_ns(3600_000 * MS) == 3600_000 * MS
