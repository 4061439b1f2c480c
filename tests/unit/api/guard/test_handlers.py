import itertools

import pytest

from mmbot.api import AdminError
from mmbot.api.guard.handlers import GuardChange, GuardState, get_guard, post_guard


class Session:
    def __init__(self, **state) -> None:
        options = {
            "dry_run": False,
            "manual_override_pause": False,
            "paused": False,
            "last_reason_bits": 0,
            "last_change_ts": 0.0,
        }
        self.state = GuardState(**(options | state))
        self.changes: list[GuardChange] = []

    def guard_state(self):
        return self.state

    def change_guard(self, change):
        self.changes.append(change)


@pytest.mark.spec("02-11.2")
@pytest.mark.parametrize(
    ("paused", "manual", "dry_run"), list(itertools.product((False, True), repeat=3))
)
def test_a_pause_is_effective_by_hand_or_unless_the_guard_only_looks_on(paused, manual, dry_run):
    session = Session(
        paused=paused, manual_override_pause=manual, dry_run=dry_run, last_reason_bits=66
    )
    assert get_guard(session).model_dump() == {
        "dry_run": dry_run,
        "last_change_ts": 0.0,
        "last_reason_bits": 66,
        "manual_override_pause": manual,
        "paused": paused,
        "paused_effective": manual or (paused and not dry_run),
    }


@pytest.mark.spec("02-11.2")
@pytest.mark.parametrize(
    ("body", "change"),
    [
        ({"dry_run": True}, (True, None, False)),
        ({"dry_run": False}, (False, None, False)),
        ({"manual_override_pause": True}, (None, True, False)),
        ({"resume": True}, (None, None, True)),
        ({"resume": True, "dry_run": True}, (True, None, True)),
        ({"resume": True, "manual_override_pause": False}, (None, False, True)),
    ],
)
def test_a_change_holds_what_the_body_gives(body, change):
    session = Session()
    assert post_guard(session, body).model_dump() == {"status": "ok"}
    found = session.changes[0]
    assert (found.dry_run, found.manual_override_pause, found.is_resume) == change
    assert len(session.changes) == 1


def test_an_empty_body_changes_nothing():
    session = Session()
    assert post_guard(session, {}).status == "ok"
    assert session.changes == []


@pytest.mark.spec("02-11.2")
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"dry_run": 1}, "invalid_dry_run"),
        ({"manual_override_pause": "true"}, "invalid_manual_override_pause"),
        ({"resume": False}, "invalid_resume"),
        ({"resume": 1}, "invalid_resume"),
        ({"resume": True, "manual_override_pause": True}, "invalid_resume"),
        ({"dry_run": True, "resume": None}, "invalid_resume"),
        ({"pause": True}, "invalid_payload"),
        ([], "invalid_payload"),
    ],
)
def test_nothing_is_changed_by_a_bad_body(body, reason):
    session = Session()
    with pytest.raises(AdminError) as caught:
        post_guard(session, body)
    assert (caught.value.status, caught.value.reason) == (400, reason)
    assert session.changes == []
