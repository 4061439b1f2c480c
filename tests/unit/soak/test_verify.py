"""Delta verification: each class, and the verdict over them."""

import pytest

from mmbot.soak.verify import verification_markdown, verify_deltas

BASE = {"tail_age_ms": 650, "min_interval_ms": 70}


def pair(
    *, deltas, applied=None, after=None, skipped=None, removed=None, hashes=("a", "b"), base=BASE
):
    applied_deltas = deltas if applied is None else applied
    moved = {k: v + applied_deltas.get(k, 0) for k, v in base.items()}
    return [
        {
            "iteration": 1,
            "overrides": base,
            "tuning": {
                "deltas": deltas,
                "applied_deltas": applied_deltas,
                "applied": bool(applied_deltas),
                "skipped_reason": skipped,
                "removed": removed or {},
                "state_hash_before": hashes[0],
                "state_hash": hashes[1],
            },
        },
        {"iteration": 2, "overrides": after or moved, "tuning": {"deltas": {}}},
    ]


@pytest.mark.spec("07-12")
@pytest.mark.parametrize(
    ("case", "kind"),
    [
        (pair(deltas={"tail_age_ms": 50}), "full"),
        (pair(deltas={"tail_age_ms": 50}, applied={}, skipped="cooldown_active"), "partial_ok"),
        (
            pair(
                deltas={"tail_age_ms": 50, "min_interval_ms": 5},
                applied={"tail_age_ms": 50},
                removed={"micro_steps": ["min_interval_ms"]},
            ),
            "partial_ok",
        ),
        (
            pair(
                deltas={"tail_age_ms": 50, "min_interval_ms": 5},
                applied={"tail_age_ms": 50},
                removed={"micro_steps": ["tail_age_ms"]},
            ),
            "fail",
        ),
        (pair(deltas={"tail_age_ms": 50}, applied={}), "fail"),
        (pair(deltas={"tail_age_ms": 50}, after={**BASE, "tail_age_ms": 701}), "fail"),
        (pair(deltas={"tail_age_ms": 50}, after=BASE), "fail"),
        (pair(deltas={"tail_age_ms": 50}, hashes=("a", "a")), "signature_stuck"),
        # Something else moved that nobody decided.
        (
            pair(deltas={"tail_age_ms": 50}, after={"tail_age_ms": 700, "min_interval_ms": 99}),
            "fail",
        ),
        (
            pair(
                deltas={"tail_age_ms": 50},
                after={
                    "tail_age_ms": 700 + 5e-10,
                },
            ),
            "full",
        ),
    ],
)
def test_each_pair_has_the_class_of_its_row(case, kind):
    found = verify_deltas(case)
    assert [p.kind for p in found.pairs] == [kind]


@pytest.mark.spec("07-12", "07-7")
def test_values_beneath_the_overlay_are_compared():
    case = pair(deltas={"tail_age_ms": 50})
    case[0]["base"], case[1]["base"] = BASE, {**BASE, "tail_age_ms": 700}
    case[0]["overrides"] = {**BASE, "tail_age_ms": 750}
    case[1]["overrides"] = {**BASE, "tail_age_ms": 767}
    assert verify_deltas(case).pairs[0].kind == "full"


@pytest.mark.spec("07-12")
def test_ratio_and_verdict():
    stuck = verify_deltas(pair(deltas={"tail_age_ms": 50}, hashes=("a", "a")))
    assert (stuck.ratio, stuck.passes(0.0, strict=False)) == (0.0, True)
    assert not stuck.passes(0.0, strict=True)
    empty = verify_deltas(pair(deltas={}))
    assert (empty.ratio, empty.passes(1.0, strict=True)) == (1.0, True)
    assert empty.document()["proposed_count"] == 0
    assert "PASS" in verification_markdown(empty, threshold=0.95, strict=True)


def test_a_gap_between_iterations_is_no_pair():
    case = pair(deltas={"tail_age_ms": 50})
    case[1]["iteration"] = 3
    assert verify_deltas(case).pairs == ()
