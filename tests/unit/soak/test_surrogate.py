"""The response surface: exact without noise, and blind to what markets do by themselves."""

import random

import numpy as np
import pytest

from mmbot.soak.parameters import DEFAULTS, TUNABLES
from mmbot.soak.surrogate import Measured, Surrogate, features


def drawn(draw):
    return {n: t.rounded(draw.uniform(t.low, t.high)) for n, t in TUNABLES.items()}


def hill(values):
    return 2.0 - 5.0 * (values["base_spread_bps_delta"] - 0.2) ** 2 + values["tail_age_ms"] / 1000


def test_features_span_minus_one_to_one_with_their_squares():
    low = {n: t.low for n, t in TUNABLES.items()}
    high = {n: t.high for n, t in TUNABLES.items()}
    assert features([low, high]).tolist() == [[-1.0] * 6 + [1.0] * 6, [1.0] * 12]


def test_a_surface_without_noise_is_found():
    draw = random.Random(1)
    seen = [drawn(draw) for _ in range(60)]
    model = Surrogate([Measured(v, hill(v), 100) for v in seen])
    asked = [drawn(draw) for _ in range(20)]
    mean, sd = model.mean_and_sd(asked)
    assert mean == pytest.approx([hill(v) for v in asked], abs=0.02)
    assert np.all(sd < 0.05)


def test_one_window_says_nothing_but_its_own_level():
    mean, _ = Surrogate([Measured(DEFAULTS, 1.5, 10)]).mean_and_sd(
        [DEFAULTS, drawn(random.Random(2))]
    )
    assert mean.tolist() == [1.5, 1.5]


def test_what_windows_of_one_market_have_in_common_drops_out():
    """Markets differ by far more than settings do, and by chance the good ones had wide spreads."""
    draw = random.Random(3)
    shared, split = [], []
    for market in range(12):
        luck = draw.uniform(-20, 20)
        for at in range(4):
            values = drawn(draw)
            y = luck + hill(values) + draw.gauss(0, 0.05)
            shared.append(Measured(values, y, 50, f"m{market}"))
            split.append(Measured(values, y, 50, f"m{market}-{at}"))
    asked = [{**DEFAULTS, "base_spread_bps_delta": x} for x in (0.2, 0.6)]
    truth = hill(asked[0]) - hill(asked[1])
    found = Surrogate(shared).mean_and_sd(asked)[0]
    alone = Surrogate(split).mean_and_sd(asked)[0]
    assert found[0] - found[1] == pytest.approx(truth, abs=0.1)
    assert abs(alone[0] - alone[1] - truth) > 0.3


def test_more_windows_make_it_surer():
    draw = random.Random(4)
    seen = [drawn(draw) for _ in range(400)]
    windows = [Measured(v, hill(v) + draw.gauss(0, 1), 100) for v in seen]
    asked = [{**DEFAULTS, "tail_age_ms": 1000}]
    few, many = Surrogate(windows[:40]), Surrogate(windows)
    assert many.mean_and_sd(asked)[1][0] < few.mean_and_sd(asked)[1][0]


def test_windows_weigh_by_their_fills():
    lean = {**DEFAULTS, "tail_age_ms": 400}
    late = {**DEFAULTS, "tail_age_ms": 1000}
    windows = [Measured(lean, 1.0, 1000), Measured(late, 3.0, 1000), Measured(late, -50.0, 1)] * 5
    mean, _ = Surrogate(windows).mean_and_sd([lean, late])
    assert mean[1] > mean[0]
