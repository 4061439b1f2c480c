import pytest

from mmbot.api import AdminError
from mmbot.api.autopolicy.handlers import (
    AutopolicyChange,
    AutopolicyState,
    get_autopolicy,
    post_autopolicy,
)
from mmbot.config.execution import AutopolicyConfig


class Session:
    def __init__(self, level=0, *, is_reset=None, enabled=True) -> None:
        self.state = AutopolicyState(
            level=level,
            is_reset=level == 0 if is_reset is None else is_reset,
            last_change_ts=12.5,
            levels_per_side_max=4,
            min_time_in_book_ms=600,
            replace_threshold_bps=2.5,
        )
        self.enabled = enabled
        self.changes: list[AutopolicyChange] = []

    def autopolicy_config(self):
        return AutopolicyConfig(enabled=self.enabled)

    def autopolicy_state(self):
        return self.state

    def change_autopolicy(self, change):
        self.changes.append(change)


@pytest.mark.spec("02-10.2")
@pytest.mark.parametrize(("level", "active"), [(0, 0), (1, 1), (3, 1)])
def test_the_answer_has_exactly_these_keys(level, active):
    assert get_autopolicy(Session(level)).model_dump() == {
        "active": active,
        "cfg_excerpt": {
            "level_max": 3,
            "trigger_backoff_ms": 3000.0,
            "trigger_events_total": 40,
        },
        "effective": {
            "levels_per_side_max": 4,
            "min_time_in_book_ms": 600,
            "replace_threshold_bps": 2.5,
        },
        "last_change_ts": 12.5,
        "level": level,
    }


@pytest.mark.spec("02-10.2")
@pytest.mark.parametrize(
    ("session", "body", "change", "answer"),
    [
        (Session(1), {"level": 2}, (2, False, None), (True, 2)),
        (Session(2), {"level": 2}, (2, False, None), (False, 2)),
        (Session(1), {"level": 99}, (3, False, None), (True, 3)),
        (Session(3), {"level": 99}, (3, False, None), (False, 3)),
        (Session(2), {"level": 0}, (0, False, None), (True, 0)),
        (Session(2), {"reset": True}, (None, True, None), (True, 0)),
        (Session(0), {"reset": True}, (None, True, None), (False, 0)),
        # Streaks count as something to reset.
        (Session(0, is_reset=False), {"reset": True}, (None, True, None), (True, 0)),
        (Session(1), {"enabled": False}, (None, False, False), (True, 1)),
        (Session(1), {"enabled": True}, (None, False, True), (False, 1)),
        (Session(1), {"level": 1, "enabled": False}, (1, False, False), (True, 1)),
        (Session(1), {}, None, (False, 1)),
    ],
)
def test_level_reset_and_switch(session, body, change, answer):
    found = post_autopolicy(session, body)
    assert found.model_dump() == {"changed": answer[0], "level": answer[1], "status": "ok"}
    passed = [(c.level, c.is_reset, c.enabled) for c in session.changes]
    assert passed == ([] if change is None else [change])


@pytest.mark.spec("02-10.2")
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"level": -1}, "invalid_level"),
        ({"level": True}, "invalid_level"),
        ({"level": 1.0}, "invalid_level"),
        ({"level": "1"}, "invalid_level"),
        ({"level": None}, "invalid_level"),
        ({"reset": False}, "invalid_reset"),
        ({"reset": 1}, "invalid_reset"),
        ({"reset": True, "level": 0}, "invalid_reset"),
        ({"enabled": 1}, "invalid_enabled"),
        ({"level": 1, "enabled": "yes"}, "invalid_enabled"),
        ({"lvl": 1}, "invalid_payload"),
    ],
)
def test_nothing_is_changed_by_a_bad_body(body, reason):
    session = Session(1)
    with pytest.raises(AdminError) as caught:
        post_autopolicy(session, body)
    assert (caught.value.status, caught.value.reason) == (400, reason)
    assert session.changes == []
