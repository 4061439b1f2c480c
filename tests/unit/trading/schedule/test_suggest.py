import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmbot.trading.schedule import MODES, SlotStats, SuggestRequest, rank_slots, score, windows_of
from mmbot.trading.schedule.suggest import MinuteSample, slot_stats

REQUEST = SuggestRequest(mode="neutral", top_k=6, min_sample=200)


def stats(slot: int, **changes) -> SlotStats:
    base = SlotStats(
        slot=slot, median_spread_bps=10.0, vola_1m_bps=20.0, volume_norm=0.5, sample=200
    )
    return dataclasses.replace(base, **changes)


@pytest.mark.spec("02-4")
@pytest.mark.parametrize(
    ("mode", "expected"),
    [("conservative", 0.74), ("neutral", 0.68), ("aggressive", 0.62)],
)
def test_score_follows_the_weights_of_the_mode(mode, expected):
    # 1 - 10/50 = 0.8; 1 - 20/100 = 0.8; volume 0.5.
    assert score(stats(0), MODES[mode]) == pytest.approx(expected, abs=1e-12)


@pytest.mark.spec("02-4")
@pytest.mark.parametrize("mode", MODES)
def test_weights_sum_to_one_and_terms_stop_at_their_bounds(mode):
    weights = MODES[mode]
    assert weights.spread + weights.vola + weights.volume == pytest.approx(1.0)
    worst = stats(0, median_spread_bps=50.0, vola_1m_bps=100.0, volume_norm=0.0)
    assert score(worst, weights) == 0.0
    assert score(dataclasses.replace(worst, median_spread_bps=5e9), weights) == 0.0
    best = stats(0, median_spread_bps=0.0, vola_1m_bps=0.0, volume_norm=1.0)
    assert score(best, weights) == 1.0


@pytest.mark.spec("02-4")
def test_slots_with_few_samples_are_dropped_and_ties_start_early():
    slots = [
        stats(11),
        stats(3),
        stats(7, volume_norm=0.6),
        stats(0, volume_norm=1.0, sample=199),
        stats(5, volume_norm=0.1),
    ]
    found = rank_slots(slots, REQUEST)
    assert [(s.start, s.end) for s in found] == [
        ("14:00", "16:00"),
        ("06:00", "08:00"),
        ("22:00", "00:00"),
        ("10:00", "12:00"),
    ]
    assert [s.start for s in rank_slots(slots, dataclasses.replace(REQUEST, top_k=1))] == ["14:00"]
    assert rank_slots([], REQUEST) == ()


@pytest.mark.spec("02-4")
@given(
    st.lists(
        st.builds(
            MinuteSample,
            st.integers(0, 3 * 1440),
            st.floats(0, 200),
            st.floats(0, 300),
            st.floats(0, 1e9),
        ),
        max_size=60,
    )
)
def test_statistics_against_a_naive_count(samples):
    by_slot: dict[int, list[MinuteSample]] = {}
    for sample in samples:
        by_slot.setdefault(sample.minute % 1440 // 120, []).append(sample)
    found = slot_stats(samples)
    assert [s.slot for s in found] == sorted(by_slot)
    rates = {slot: sum(r.notional for r in rows) / len(rows) for slot, rows in by_slot.items()}
    for entry in found:
        rows = by_slot[entry.slot]
        spreads, count = sorted(row.spread_bps for row in rows), len(rows)
        assert entry.sample == count
        median = (spreads[(count - 1) // 2] + spreads[count // 2]) / 2
        assert entry.median_spread_bps == pytest.approx(median)
        assert entry.vola_1m_bps == pytest.approx(sum(row.vola_1m_bps for row in rows) / count)
        top = max(rates.values())
        assert entry.volume_norm == pytest.approx(rates[entry.slot] / top if top else 0.0)


@pytest.mark.spec("02-4")
def test_suggested_windows_are_named_and_hold_on_all_days():
    found = windows_of([("06:00", "08:00"), ("22:00", "00:00")])
    assert [(w.name, w.start, w.end, w.days) for w in found] == [
        ("win0", "06:00", "08:00", (1, 2, 3, 4, 5, 6, 7)),
        ("win1", "22:00", "00:00", (1, 2, 3, 4, 5, 6, 7)),
    ]
