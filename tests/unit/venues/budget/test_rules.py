import pytest
from tests.unit.venues.budget.rig import ALL, bucket

from mmbot.venues.budget.rules import PRIORITY, LimitSight, Scope
from mmbot.venues.failures import Operation

CANCEL, AMEND, CREATE, QUERY = PRIORITY


@pytest.mark.parametrize(
    ("limit", "floors"),
    [
        # cancel, amend, create, query: what each must leave behind
        (600, [0, 120, 180, 240]),
        (60, [0, 30, 45, 52]),
        (10, [0, 5, 7, 8]),
        (4, [0, 2, 3, 3]),
        (2, [0, 1, 1, 1]),
        (1, [0, 0, 0, 0]),
        (0, [0, 0, 0, 0]),
    ],
)
def test_reserves_of_a_limit_of_600_under_every_cut(limit, floors):
    rule = bucket(600)
    assert [rule.floor(kind, limit) for kind in PRIORITY] == floors


def test_a_cut_to_a_tenth_thins_new_quotes_first_and_cancels_last():
    rule = bucket(600)

    def most(kind, limit):
        return limit - rule.floor(kind, limit)

    kept = {kind: most(kind, 60) / most(kind, 600) for kind in PRIORITY}
    assert kept[CANCEL] == 0.1
    assert kept[QUERY] < kept[CREATE] < kept[AMEND] < kept[CANCEL]


def test_nothing_is_kept_for_kinds_that_do_not_draw_from_the_bucket():
    rule = bucket(10, kinds=frozenset({Operation.CREATE, Operation.QUERY}))
    assert rule.floor(CREATE, 10) == 0
    assert rule.floor(QUERY, 10) == 1


def test_every_kind_may_pass_alone_under_any_limit_that_lets_anything_pass():
    for published in (1, 2, 3, 5, 10, 600):
        rule = bucket(published, kinds=ALL)
        for limit in range(1, published + 1):
            for kind in PRIORITY:
                assert limit - rule.floor(kind, limit) >= 1, (published, limit, kind)


def test_the_share_of_one_of_several_clients_is_rounded_down_but_never_nothing():
    assert bucket(10).scaled(0.25).limit == 2
    assert bucket(3).scaled(0.25).limit == 1
    sight = LimitSight(scope=Scope.UID, limit=10, left=3, blocked_ns=7)
    assert sight.scaled(0.5) == LimitSight(scope=Scope.UID, limit=5, left=1, blocked_ns=7)
    assert LimitSight(scope=Scope.UID).scaled(0.5) == LimitSight(scope=Scope.UID)
