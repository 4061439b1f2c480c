"""Paired tests against enumeration and known values."""

import itertools

import pytest

from mmbot.research.paired import paired_test


def test_no_difference_is_no_finding():
    found = paired_test([0.0, 0.0])
    assert (found.n, found.p_wilcoxon, found.p_sign) == (0, 1.0, 1.0)


def test_ten_that_all_improve():
    found = paired_test([0.1 * k for k in range(1, 11)])
    # Rank sum 55 of a mean of 27.5 and a variance of 96.25: z = 2.803.
    assert found.p_wilcoxon == pytest.approx(0.005062, abs=1e-6)
    assert found.p_sign == pytest.approx(2 / 1024, abs=1e-6)
    assert found.better == found.n == 10


def test_differences_that_cancel_show_nothing():
    found = paired_test([1.0, -1.0, 2.0, -2.0])
    assert found.p_wilcoxon == found.p_sign == 1.0
    assert found.mean == 0.0


def test_the_sign_test_is_that_of_a_coin():
    found = paired_test([1, 1, 1, 1, 1, -1])
    assert found.p_sign == pytest.approx(2 * 7 / 64)
    assert (found.better, found.n) == (5, 6)


def test_the_direction_does_not_matter():
    values = [0.5, -0.2, 1.5, 0.7, -0.1, 2.0]
    there, back = paired_test(values), paired_test([-v for v in values])
    assert there.p_wilcoxon == back.p_wilcoxon
    assert there.mean == -back.mean


@pytest.mark.parametrize("positive", [{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 4, 7, 9}, {9}, {8, 9, 7}])
def test_the_signed_rank_test_is_near_the_exact_one(positive):
    """Against all signs that ten ranks can have."""
    ranks = range(1, 11)
    observed = sum(r for r in ranks if r - 1 in positive)
    middle = sum(ranks) / 2
    sums = [
        sum(r for r, up in zip(ranks, signs, strict=True) if up)
        for signs in itertools.product((0, 1), repeat=10)
    ]
    exact = sum(abs(s - middle) >= abs(observed - middle) for s in sums) / len(sums)
    found = paired_test([r if r - 1 in positive else -r for r in ranks])
    assert found.p_wilcoxon == pytest.approx(exact, abs=0.06)


def test_ties_and_zeros_are_allowed():
    found = paired_test([0.0, 1.0, 1.0, 1.0, -1.0, 2.0])
    assert found.n == 5
    assert 0 < found.p_wilcoxon < 1
