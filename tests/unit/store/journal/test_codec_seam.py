"""The codec as Python sees it: dictionaries in, the same dictionaries out."""

import numpy as np
import pytest
from tests.unit.store.journal.made_records import HEADER, RECORDS, T0_NS, frames, note

from mmbot import core


def decoded(data, **options):
    decoder = core.JournalDecoder()
    decoder.feed(data)
    out = decoder.take(1000, **options)
    assert decoder.finish() is None
    return out


def framed(*records):
    framer = core.JournalFramer()
    for record in records:
        framer.push(record)
    return framer.take()


def chunk(ts_local):
    n = len(ts_local)
    return core.EventChunk.from_arrays(
        np.array([8, 1, 12][:n], np.uint8),
        np.array([100, 101, 102][:n], np.int32),
        np.array([5, 6, 0][:n], np.int64),
        np.arange(T0_NS, T0_NS + n, dtype=np.int64),
        np.array(ts_local, np.int64),
    )


@pytest.mark.spec("08-5.4")
def test_every_kind_of_record_comes_back():
    out = decoded(framed(*RECORDS))
    assert [record.pop("seq") for record in out] == list(range(len(RECORDS)))
    assert out == RECORDS
    made = {record["kind"] for record in RECORDS} | {"market_rows"}
    assert made == set(core.journal_kinds())


@pytest.mark.spec("08-5.4")
def test_market_rows_come_back_in_the_order_of_reception():
    framer = core.JournalFramer()
    framer.push_rows(2, chunk([T0_NS + 30, T0_NS + 10, T0_NS + 20]))
    (record,) = decoded(framer.take(), rows=True)
    columns = record.pop("columns")
    assert record == {
        "seq": 0,
        "kind": "market_rows",
        "ts_ns": T0_NS + 10,
        "last_ts_ns": T0_NS + 30,
        "instrument": 2,
        "rows": 3,
        "trades": 1,
    }
    assert columns["ts_local"].tolist() == [T0_NS + 10, T0_NS + 20, T0_NS + 30]
    assert columns["ts_exch"].tolist() == [T0_NS + 1, T0_NS + 2, T0_NS]
    assert columns["px"].tolist() == [101, 102, 100]
    assert columns["qty"].tolist() == [6, 0, 5]
    assert columns["flags"].tolist() == [1, 12, 8]
    framer.push_rows(2, chunk([T0_NS]))
    (record,) = decoded(framer.take())
    assert "columns" not in record


def test_records_are_chosen_by_kind_and_number():
    data = framed(*RECORDS)
    kinds = [record["kind"] for record in RECORDS]
    chosen = decoded(data, kinds=["report", "note"], from_seq=5)
    assert [record["seq"] for record in chosen] == [
        seq for seq, kind in enumerate(kinds) if kind in {"report", "note"} and seq >= 5
    ]
    with pytest.raises(core.CoreError, match="E_STORE_TYPE: nothing is not a kind"):
        decoded(data, kinds=["nothing"])


def test_blocks_of_any_size_are_taken_in():
    data = framed(*RECORDS)
    decoder = core.JournalDecoder(0)
    taken = []
    for at in range(0, len(data), 7):
        decoder.feed(data[at : at + 7])
        while batch := decoder.take(2):
            taken += batch
    assert [record["seq"] for record in taken] == list(range(len(RECORDS)))
    assert decoder.offset == len(data)
    assert decoder.next_seq == len(RECORDS)
    assert decoder.counts() == core.journal_counts(data, 0)


@pytest.mark.spec("08-5.4")
def test_the_records_before_damage_are_given_before_its_error():
    data = bytearray(frames(0, 3))
    third = len(frames(0, 2))
    data[third + 20] ^= 1
    decoder = core.JournalDecoder()
    decoder.feed(bytes(data))
    assert [record["seq"] for record in decoder.take(10)] == [0, 1]
    for _ in range(2):
        with pytest.raises(core.JournalError) as caught:
            decoder.take(10)
        assert (caught.value.code, caught.value.offset) == ("E_STORE_JOURNAL", third)
        assert str(caught.value) == f"E_STORE_JOURNAL: offset={third} checksum differs"
    with pytest.raises(core.JournalError):
        decoder.skip()
    assert decoder.offset == third


@pytest.mark.spec("08-5.4")
def test_a_torn_tail_is_told_by_its_offset():
    data, whole = frames(0, 3), len(frames(0, 2))
    decoder = core.JournalDecoder()
    decoder.feed(data[:-1])
    decoder.skip()
    assert decoder.finish() == whole
    with pytest.raises(core.JournalError, match=f"offset={whole}"):
        core.journal_counts(data[:-1], 0)
    with pytest.raises(core.JournalError, match="is 0, expected 5"):
        core.journal_counts(data, 5)


@pytest.mark.parametrize(
    ("record", "key"),
    [
        ({}, "kind"),
        ({"kind": "nothing"}, "kind"),
        ({"kind": "market_rows"}, "kind"),
        ({"kind": "note", "ts_ns": 1}, "text"),
        ({"kind": "note", "ts_ns": 2**63, "text": ""}, "ts_ns"),
        ({"kind": "note", "ts_ns": 1.5, "text": ""}, "ts_ns"),
        ({"kind": "decide", "ts_ns": 1, "instrument": 2**16}, "instrument"),
        ({"kind": "control", "ts_ns": 1, "control": "grade", "grade": "MILD"}, "grade"),
        ({"kind": "control", "ts_ns": 1, "control": "x"}, "control"),
        ({**HEADER, "mode": "dream"}, "mode"),
        ({**HEADER, "instruments": [{}]}, "symbol"),
    ],
)
def test_a_record_that_does_not_hold_names_its_field(record, key):
    framer = core.JournalFramer(4)
    with pytest.raises(core.CoreError) as caught:
        framer.push(record)
    assert (caught.value.code, caught.value.key) == ("E_STORE_TYPE", key)
    assert framer.next_seq == 4
    assert framer.take() == b""


def test_a_record_longer_than_a_frame_is_refused():
    framer = core.JournalFramer()
    with pytest.raises(core.JournalError, match="too long"):
        framer.push(note(1, size=5 << 20))
    assert framer.push(note(1)) == 0
