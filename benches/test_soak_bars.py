"""The paired tests of the tuner's bench against values worked out by hand."""

import pytest
from benches.soak_bars import paired


def test_ten_seeds_that_all_improve() -> None:
    found = paired([0.1 * k for k in range(1, 11)])
    # Rank sum 55 of a mean of 27.5 and a variance of 96.25: z = 2.803.
    assert found["p_wilcoxon"] == pytest.approx(0.005062, abs=1e-6)
    assert found["p_sign"] == pytest.approx(2 / 1024, abs=1e-6)
    assert found["better"] == found["n"] == 10


def test_differences_that_cancel_show_nothing() -> None:
    found = paired([1.0, -1.0, 2.0, -2.0])
    assert found["p_wilcoxon"] == found["p_sign"] == 1.0
    assert found["mean"] == 0.0


def test_pairs_without_a_difference_do_not_count() -> None:
    assert paired([0.0, 0.0])["n"] == 0
    assert paired([0.0, 3.0])["n"] == 1
