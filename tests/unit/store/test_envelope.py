import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmbot.errors import StoreError
from mmbot.store.envelope import (
    SNAPSHOT_BYTES_MAX,
    SnapshotError,
    open_snapshot,
    parse_snapshot,
    wrap,
    write_snapshot,
)

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), values, max_size=5))
def test_what_is_wrapped_opens_to_its_rounded_self(payload):
    envelope = wrap(payload, version=2)
    assert set(envelope) == {"payload", "sha256", "version"}
    assert open_snapshot(envelope) == envelope["payload"]
    assert parse_snapshot(json.dumps(envelope).encode()) == envelope["payload"]
    text = json.dumps(envelope["payload"], sort_keys=True, separators=(",", ":"))
    assert envelope["sha256"] == hashlib.sha256(text.encode()).hexdigest()


def test_files_are_canonical_and_read_back(tmp_path):
    write_snapshot(tmp_path / "a.json", {"b": 1.23456789, "a": [1]}, version=1)
    data = (tmp_path / "a.json").read_bytes()
    assert data.startswith(b'{"payload":{"a":[1],"b":1.234568},"sha256":"')
    assert parse_snapshot(data) == {"a": [1], "b": 1.234568}
    with pytest.raises(StoreError, match="E_STORE_NONFINITE"):
        wrap({"x": float("nan")}, version=1)


def refused(data: bytes) -> str:
    with pytest.raises(SnapshotError) as caught:
        parse_snapshot(data)
    assert caught.value.code == "E_STORE_SNAPSHOT"
    return caught.value.reason


GOOD = wrap({"a": 1}, version=1)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b" " * (SNAPSHOT_BYTES_MAX + 1), "file_too_large"),
        ('{"a":"\u00e9"}'.encode(), "non_ascii"),
        (b"", "invalid_payload"),
        (b"{", "invalid_payload"),
        (b"[]", "invalid_payload"),
        (b'{"a":NaN}', "invalid_payload"),
        (b"[" * 100_000, "invalid_payload"),
        (b"{}", "invalid_structure"),
        (json.dumps(GOOD | {"more": 1}).encode(), "invalid_structure"),
        (json.dumps(GOOD | {"payload": []}).encode(), "invalid_structure"),
        (json.dumps(GOOD | {"sha256": 1}).encode(), "invalid_structure"),
        (json.dumps(GOOD | {"version": True}).encode(), "invalid_structure"),
        (json.dumps(GOOD | {"version": 1.0}).encode(), "invalid_structure"),
        (json.dumps(GOOD | {"payload": {"a": 2}}).encode(), "bad_checksum"),
        (json.dumps(GOOD | {"sha256": "0" * 64}).encode(), "bad_checksum"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_damage_is_named_by_the_first_check_that_fails(data, reason):
    assert refused(data) == reason
