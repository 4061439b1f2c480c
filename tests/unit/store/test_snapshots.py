"""The integrity header: what is written is read back whole, and nothing damaged is loaded."""

import hashlib
import json
import math
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmbot.errors import StoreError
from mmbot.store.snapshots import (
    BYTES_MAX,
    SnapshotError,
    checksum,
    jittered_sec,
    read_snapshot,
    restore,
    unwrap,
    write_snapshot,
)

PAYLOAD = {"version": 2, "symbols": {"B": [1, 2.5], "A": None}}


@pytest.mark.spec("05-7")
def test_the_file_is_canonical_and_its_sum_is_that_of_the_payload(tmp_path):
    path = tmp_path / "deep" / "x.json"
    digest = write_snapshot(path, PAYLOAD)
    text = json.dumps(PAYLOAD, sort_keys=True, separators=(",", ":"))
    assert digest == hashlib.sha256(text.encode()).hexdigest()
    assert path.read_text() == f'{{"payload":{text},"sha256":"{digest}","version":1}}\n'
    assert read_snapshot(path) == PAYLOAD


@pytest.mark.spec("05-7", "03-10")
@given(
    st.dictionaries(
        st.text(max_size=5),
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers()
            | st.text(max_size=5)
            # minus zero is written as zero
            | st.floats(allow_nan=False, allow_infinity=False).map(lambda x: x + 0.0),
            lambda inner: st.lists(inner, max_size=3),
            max_leaves=6,
        ),
        max_size=5,
    )
)
def test_what_is_written_is_read_back_to_the_last_bit(tmp_path_factory, payload):
    path = tmp_path_factory.mktemp("snapshots") / "x.json"
    write_snapshot(path, payload)
    assert repr(read_snapshot(path)) == repr(dict(sorted(payload.items())))


@pytest.mark.spec("05-7")
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b" " * (BYTES_MAX + 1), "file_too_large"),
        ('{"payload":{"\u00e9":1}}'.encode(), "non_ascii"),
        (b"", "invalid_payload"),
        (b"{", "invalid_payload"),
        (b"[]", "invalid_payload"),
        (b"[" * 100_000, "invalid_payload"),
        (b'{"payload":{"x":NaN},"sha256":"","version":1}', "invalid_payload"),
        (b'{"payload":{},"payload":{},"sha256":"","version":1}', "invalid_payload"),
        (b"{}", "invalid_structure"),
        (b'{"payload":{},"sha256":"","version":1,"more":1}', "invalid_structure"),
        (b'{"payload":[],"sha256":"","version":1}', "invalid_structure"),
        (b'{"payload":{},"sha256":1,"version":1}', "invalid_structure"),
        (b'{"payload":{},"sha256":"","version":true}', "invalid_structure"),
        (b'{"payload":{},"sha256":"","version":"1"}', "invalid_structure"),
        (b'{"payload":{},"sha256":"","version":1}', "bad_checksum"),
        (b'{"payload":{"x":1e999},"sha256":"","version":1}', "bad_checksum"),
        (b'{"payload":{},"sha256":"\\u00e9","version":1}', "bad_checksum"),
    ],
)
def test_a_damaged_file_is_refused_by_the_first_check_that_fails(tmp_path, data, reason):
    path = tmp_path / "x.json"
    path.write_bytes(data)
    with pytest.raises(SnapshotError) as caught:
        read_snapshot(path)
    assert (caught.value.reason, caught.value.is_damage) == (reason, True)
    assert str(caught.value).startswith(f"E_STORE_TYPE:{reason}: file=")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.reason, str(again)) == (reason, str(caught.value))


@pytest.mark.spec("05-7")
def test_every_changed_byte_is_noticed(tmp_path):
    path = tmp_path / "x.json"
    write_snapshot(path, PAYLOAD)
    whole = path.read_bytes()
    seen = 0
    for at in range(len(whole) - 1):
        changed = bytes([whole[at] ^ 1])
        path.write_bytes(whole[:at] + changed + whole[at + 1 :])
        try:
            loaded = read_snapshot(path)
        except SnapshotError:
            seen += 1
        else:
            # the version of the header is no part of the payload
            assert loaded == PAYLOAD
    assert seen >= len(whole) - 2


@pytest.mark.spec("05-7")
def test_an_inline_body_is_a_wrapper_or_a_bare_payload():
    wrapped = {"payload": PAYLOAD, "sha256": checksum(PAYLOAD), "version": 1}
    assert unwrap(wrapped) == unwrap(PAYLOAD) == PAYLOAD
    for body, reason in (
        ([], "invalid_payload"),
        ({"payload": PAYLOAD}, "invalid_structure"),
        ({**wrapped, "sha256": "0" * 64}, "bad_checksum"),
    ):
        with pytest.raises(SnapshotError) as caught:
            unwrap(body)
        assert caught.value.reason == reason


@pytest.mark.spec("05-7", "04-8")
def test_a_damaged_file_is_set_aside_at_start_and_a_missing_one_is_no_error(tmp_path, monkeypatch):
    monkeypatch.setenv("MM_FREEZE_UTC_ISO", "2025-01-02T03:04:05Z")
    path = tmp_path / "x.json"
    assert restore(path, dict) == restore(path, dict)
    assert restore(path, dict).value is None
    write_snapshot(path, PAYLOAD)
    assert restore(path, dict).value == PAYLOAD
    names = []
    for _ in range(2):
        path.write_bytes(b"torn")
        found = restore(path, dict)
        assert found.value is None
        assert found.refused is not None
        assert found.set_aside is not None
        names.append(found.set_aside.name)
        assert found.set_aside.read_bytes() == b"torn"
        assert not path.exists()
    assert names == [
        "x.json.corrupt.20250102T030405Z",
        "x.json.corrupt.20250102T030405Z.2",
    ]


@pytest.mark.spec("05-7")
def test_a_refused_write_leaves_the_earlier_file(tmp_path):
    path = tmp_path / "x.json"
    write_snapshot(path, PAYLOAD)
    for bad in ({"x": math.nan}, {"x": object()}):
        with pytest.raises(StoreError, match="E_STORE_"):
            write_snapshot(path, bad)
        assert read_snapshot(path) == PAYLOAD
    with pytest.raises(StoreError, match="E_STORE_DISK"):
        read_snapshot(tmp_path / "missing.json")


@pytest.mark.spec("04-8")
def test_intervals_of_writers_differ_by_path_and_stay_within_a_tenth():
    delays = [jittered_sec(60.0, path=f"{i}.json", kind="allocator") for i in range(200)]
    assert delays[0] == jittered_sec(60.0, path="0.json", kind="allocator")
    assert len(set(delays)) > 150
    assert min(delays) >= 54.0
    assert max(delays) <= 66.0
