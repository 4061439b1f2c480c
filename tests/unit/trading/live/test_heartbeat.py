"""The writer of state files: the newest state gets to the disk, the loop never waits."""

from dataclasses import replace

from tests.unit.trading.live.states import NOW, session_state

from mmbot.trading.live.heartbeat import Heartbeat
from mmbot.trading.live.state_file import (
    StopOrder,
    read_state,
    read_stop_order,
    state_path,
    write_stop_order,
)


def test_the_last_state_is_on_the_disk_when_the_block_ends(tmp_path):
    state = session_state()
    with Heartbeat(tmp_path) as heartbeat:
        assert heartbeat.is_due()
        for beat in range(50):
            state = replace(state, heartbeat_ns=NOW + beat)
            heartbeat.publish(state)
        assert not heartbeat.is_due()
    assert read_state(state_path(state.session, tmp_path)) == state


def test_a_disk_that_refuses_is_told_once_and_stops_nobody(tmp_path):
    lines: list[str] = []
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="ascii")
    with Heartbeat(blocked / "state", lines.append) as heartbeat:
        for _ in range(3):
            heartbeat.publish(session_state())
    with Heartbeat(blocked / "state", lines.append) as heartbeat:
        heartbeat.publish(session_state())
    assert [line.split()[1:4] for line in lines] == [["state_file", "|", "ERROR"]] * 2


def test_a_stop_order_of_an_earlier_session_is_forgotten(tmp_path):
    write_stop_order(StopOrder(session="s", at_ns=NOW, keep_orders=True), tmp_path)
    with Heartbeat(tmp_path) as heartbeat:
        heartbeat.forget_stop_order("s")
        heartbeat.forget_stop_order("t")
    assert read_stop_order("s", tmp_path) is None
