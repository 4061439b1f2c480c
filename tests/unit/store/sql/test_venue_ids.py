"""Names of orders and executions as the notes of a journal say them."""

from mmbot.store.sql.venue_ids import VenueIds
from mmbot.trading.live.orders import CoreReport, exec_note


def exec_of(exec_id, cum):
    return exec_note(
        CoreReport(
            symbol="BTCUSDT",
            cid=7,
            kind="filled",
            ts_exch_ns=1,
            fields={"cum_qty": cum},
            exec_id=exec_id,
        )
    )


def test_an_execution_has_the_name_of_the_note_right_before_it():
    ids = VenueIds()
    ids.note(10, exec_of("e-1", 3))
    assert ids.booked(11, "mm-1", 3) == "e-1"
    ids.note(12, exec_of("e-2", 5))
    ids.note(13, "adopted")
    assert ids.booked(14, "mm-1", 5) == "mm-1-5", "something else came between"
    assert ids.booked(15, "mm-2", 3) == "mm-2-3"
    # markouts ask later
    assert [ids.exec_id("mm-1", 3), ids.exec_id("mm-1", 5)] == ["e-1", "mm-1-5"]


def test_an_order_is_named_once_the_venue_has_told_and_other_notes_say_nothing():
    ids = VenueIds()
    assert ids.order_id("mm-1") is None
    for text in ("order id=o-1 cid=mm-1", "order id=o-1", "order  id=x cid=mm-2", "hello"):
        ids.note(1, text)
    assert (ids.order_id("mm-1"), ids.order_id("mm-2")) == ("o-1", None)
