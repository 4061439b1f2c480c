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


def test_an_execution_has_the_name_of_the_note_before_it():
    ids = VenueIds()
    ids.note(exec_of("e-1", 3))
    assert ids.booked("mm-1", 3) == "e-1"
    assert ids.booked("mm-1", 4) == "mm-1-4", "it was not noted"
    ids.note(exec_of("e-2", 5))
    ids.note("what became due meanwhile")
    assert ids.booked("mm-1", 5) == "e-2"
    ids.note(exec_of("e-3", 8))
    assert ids.booked("mm-2", 3) == "mm-2-3", "a crash took the report of e-3"
    assert ids.booked("mm-1", 8) == "mm-1-8"
    # markouts ask later
    assert [ids.exec_id("mm-1", 3), ids.exec_id("mm-1", 5)] == ["e-1", "e-2"]


def test_an_order_is_named_once_the_venue_has_told_and_other_notes_say_nothing():
    ids = VenueIds()
    assert ids.order_id("mm-1") is None
    for text in ("order id=o-1 cid=mm-1", "order id=o-1", "order  id=x cid=mm-2", "hello"):
        ids.note(text)
    assert (ids.order_id("mm-1"), ids.order_id("mm-2")) == ("o-1", None)
