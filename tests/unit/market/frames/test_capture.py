"""A capture gives back what was appended, whatever was done to its files."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbot.errors import MarketDataError, StoreError
from mmbot.market.frames import CaptureHead, CaptureReader, FrameKind, layout, writer
from mmbot.market.frames.writer import CaptureWriter

HEAD = CaptureHead(exchange="bybit", market="linear", url="wss://x/v5/public/linear")
T0 = 1_700_000_000_000_000_000


def frames(count, *, size=40, first=0, seed=1):
    rng = random.Random(seed + first)
    return [
        (T0 + (first + n) * 1_000, 0, b'{"u":%d,"x":"%s"}' % (first + n, rng.randbytes(size)))
        for n in range(count)
    ]


def plain(directory):
    reader = CaptureReader(directory)
    return [(one.recv_ns, int(one.kind), one.data) for one in reader.frames()], reader


def marks(found):
    return [json.loads(data) for _, kind, data in found if kind == FrameKind.GAP]


@settings(max_examples=25, deadline=None)
@given(
    batches=st.lists(
        st.lists(
            st.tuples(st.integers(0, 2**62), st.sampled_from([0, 1]), st.binary(max_size=60)),
            max_size=5,
        ),
        max_size=8,
    ),
    block_bytes=st.integers(1, 200),
)
@pytest.mark.spec("01-9.1")
def test_frames_come_back_byte_for_byte_in_order(tmp_path_factory, batches, block_bytes):
    directory = tmp_path_factory.mktemp("capture")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "_BLOCK_BYTES", block_bytes)
        capture = CaptureWriter(directory, HEAD, now_ns=T0)
        given_in = [one for batch in batches for one in batch]
        for batch in batches:
            capture.append(batch)
            assert plain(directory)[0] == given_in[: capture.next_seq]
        capture.close()
    found, reader = plain(directory)
    assert found == given_in
    assert [one.seq for one in CaptureReader(directory).frames()] == list(range(len(given_in)))
    assert list(CaptureReader(directory).wire()) == [data for _, kind, data in given_in if not kind]
    assert (reader.torn, reader.damaged) == (0, 0)
    assert not list(directory.glob("*.tail"))


def test_segments_follow_each_other_by_size_and_hour(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "_SEGMENT_BYTES", 2_000)
    monkeypatch.setattr(writer, "_BLOCK_BYTES", 500)
    capture = CaptureWriter(tmp_path, HEAD, now_ns=T0)
    given_in = frames(200)
    for one in given_in:
        capture.append([one])
    later = [(T0 + 3_600_000_000_000 + n, 0, b"late") for n in range(3)]
    capture.append(later)
    capture.close()
    found, reader = plain(tmp_path)
    assert found == given_in + later
    assert len(reader.segments) > 3
    heads = [
        layout.CaptureHead.parse(path.read_bytes().partition(b"\n")[0] + b"\n")[1]
        for path in reader.segments
    ]
    assert [head["goes_on"] for head in heads] == [False] + [True] * (len(heads) - 1)


@pytest.mark.spec("01-9.1")
@pytest.mark.parametrize("cut", [1, 5, 23, 24, 40, 61, 100])
def test_a_torn_tail_is_cut_and_counted_and_the_restart_is_marked(tmp_path, cut):
    capture = CaptureWriter(tmp_path, HEAD, now_ns=T0)
    given_in = frames(30)
    for one in given_in:
        capture.append([one])
    capture._held.close()  # as a killed process: nothing is packed
    tail = tmp_path / "0.tail"
    tail.write_bytes(tail.read_bytes()[:-cut])
    found, reader = plain(tmp_path)
    kept = len(found)
    assert found == given_in[:kept]
    assert 28 <= kept < 30
    assert reader.torn == 1

    again = CaptureWriter(tmp_path, HEAD, now_ns=T0 + 10**9)
    assert again.torn == 1
    again.append(frames(5, first=100))
    again.close()
    found, reader = plain(tmp_path)
    restart = {"reason": "restart", "since_ns": given_in[kept - 1][0]}
    assert found[:kept] == given_in[:kept]
    assert marks(found) == [restart]
    assert found[kept + 1 :] == frames(5, first=100)
    assert (reader.torn, reader.damaged) == (0, 0)


def test_a_kill_between_block_and_empty_tail_counts_every_frame_once(tmp_path):
    capture = CaptureWriter(tmp_path, HEAD, now_ns=T0)
    given_in = frames(10)
    capture.append(given_in)
    tail = (tmp_path / "0.tail").read_bytes()
    capture._seal(is_last=True)
    (tmp_path / "0.tail").write_bytes(tail)
    capture._held.close()
    assert plain(tmp_path)[0] == given_in
    CaptureWriter(tmp_path, HEAD, now_ns=T0).close()
    found, _ = plain(tmp_path)
    assert [one for one in found if one[1] == 0] == given_in


def test_a_kill_before_the_first_line_leaves_nothing_in_the_way(tmp_path):
    (tmp_path / "0.mmf").write_bytes(b"MMFRA")
    with pytest.raises(MarketDataError, match="E_REC_FRAMES"):
        CaptureReader(tmp_path)
    capture = CaptureWriter(tmp_path, HEAD, now_ns=T0)
    capture.append(frames(2))
    capture.close()
    assert plain(tmp_path)[0] == frames(2)


@pytest.mark.parametrize("seed", range(12))
def test_damage_costs_the_frames_of_one_block_and_is_marked(tmp_path, monkeypatch, seed):
    monkeypatch.setattr(writer, "_BLOCK_BYTES", 400)
    capture = CaptureWriter(tmp_path, HEAD, now_ns=T0)
    given_in = frames(100)
    for one in given_in:
        capture.append([one])
    capture.close()
    path = tmp_path / "0.mmf"
    data = bytearray(path.read_bytes())
    first = data.index(b"\n") + 1
    data[random.Random(seed).randrange(first, len(data))] ^= 0x10
    path.write_bytes(data)
    found, reader = plain(tmp_path)
    got = [one for one in found if one[1] == FrameKind.RECEIVED]
    assert set(got) < set(given_in)
    assert got == sorted(got)
    lost = len(given_in) - len(got)
    assert 0 < lost <= 20
    is_last = given_in[-1] not in got
    assert is_last or [mark["lost"] for mark in marks(found)] == [lost]
    assert reader.damaged + reader.torn == 1


def test_a_second_writer_is_refused(tmp_path):
    with_lock = CaptureWriter(tmp_path, HEAD, now_ns=T0)
    with pytest.raises(StoreError, match="E_REC_WRITE"):
        CaptureWriter(tmp_path, HEAD, now_ns=T0)
    with_lock.close()
    CaptureWriter(tmp_path, HEAD, now_ns=T0).close()


def test_what_is_no_capture_is_refused(tmp_path):
    with pytest.raises(MarketDataError, match="E_REC_FRAMES"):
        CaptureReader(tmp_path / "nothing")
    with pytest.raises(MarketDataError, match="E_REC_FRAMES"):
        CaptureReader(tmp_path)
    (tmp_path / "0.mmf").write_bytes(b"something else\n")
    with pytest.raises(MarketDataError, match="E_REC_FRAMES"):
        list(CaptureReader(tmp_path).frames())
