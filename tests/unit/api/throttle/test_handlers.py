import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmbot.api import AdminError
from mmbot.api.snapshots import SnapshotStatus
from mmbot.api.throttle.handlers import (
    ThrottleLoad,
    get_snapshot,
    get_snapshot_status,
    parse_payload,
    post_load,
    post_reset,
)
from mmbot.api.throttle.models import LegacyThrottle
from mmbot.store.snapshots import wrap, write_snapshot

RING = {"base_ts": 100, "idx": 1, "ring": [2, 3, 0]}
V2: dict[str, Any] = {
    "symbols": {
        "*": {"amend": RING, "cancel": RING, "create": RING},
        "BTCUSDT": {"amend": RING, "cancel": RING, "create": RING},
    },
    "version": 2,
    "window_sec": 3,
}
V1: dict[str, Any] = {
    "backoff_ms_max": 4200,
    "events_total": 17,
    "last_event_ts": "2025-01-01T00:00:05Z",
    "version": 1,
    "window_since": "2025-01-01T00:00:00Z",
}
LEGACY = {key: V1[key] for key in ("events_total", "last_event_ts", "window_since")}


class Session:
    def __init__(self, legacy: LegacyThrottle | None = None) -> None:
        self.legacy = legacy
        self.loads: list[ThrottleLoad] = []
        self.resets = 0

    def throttle_payload(self):
        return copy.deepcopy(V2)

    def throttle_legacy(self):
        return self.legacy

    def load_throttle(self, load):
        self.loads.append(load)

    def reset_throttle(self):
        self.resets += 1

    def throttle_status(self):
        return SnapshotStatus(path="artifacts/t.json", last_write_ts=2.5, last_load_ts=0.0)


def edited(edit, payload=V2) -> dict[str, Any]:
    changed = copy.deepcopy(payload)
    edit(changed)
    return changed


@pytest.mark.spec("02-8.4")
def test_a_snapshot_is_payload_version_2():
    assert get_snapshot(Session()) == V2


@pytest.mark.spec("02-8.4")
def test_version_2_is_passed_to_the_core_as_it_is():
    session = Session()
    assert post_load(session, V2, roots=()).model_dump() == {"status": "ok"}
    assert session.loads == [
        ThrottleLoad(payload=V2, backoff_max_observed_ms=None, legacy=None),
    ]


@pytest.mark.spec("02-8.4")
def test_version_1_starts_empty_seeds_the_run_maximum_and_stays_visible():
    session = Session()
    post_load(session, V1, roots=())
    load = session.loads[0]
    assert (load.payload, load.backoff_max_observed_ms) == (None, 4200)
    assert load.legacy is not None
    shown = get_snapshot(Session(load.legacy))
    assert shown == V2 | LEGACY
    # What the snapshot shows then can be written and loaded again.
    again = parse_payload(shown)
    assert again == ThrottleLoad(payload=V2, backoff_max_observed_ms=None, legacy=load.legacy)


@pytest.mark.spec("02-8.4")
def test_the_envelope_and_a_file_load_like_the_payload(tmp_path):
    session = Session()
    write_snapshot(tmp_path / "t.json", V2)
    for body in (wrap(V2), {"path": str(tmp_path / "t.json")}):
        post_load(session, body, roots=(tmp_path.resolve(),))
    assert [load.payload for load in session.loads] == [V2, V2]


def first_ring(payload) -> dict[str, Any]:
    ring: dict[str, Any] = payload["symbols"]["*"]["create"]
    return ring


BAD = {
    "no symbols": edited(lambda p: p.pop("symbols")),
    "no version": edited(lambda p: p.pop("version")),
    "version 3": edited(lambda p: p.update(version=3)),
    "version true": edited(lambda p: p.update(version=True)),
    "version text": edited(lambda p: p.update(version="2")),
    "window 0": edited(lambda p: p.update(window_sec=0)),
    "window 3601": edited(lambda p: p.update(window_sec=3601)),
    "window 4": edited(lambda p: p.update(window_sec=4)),
    "window float": edited(lambda p: p.update(window_sec=3.0)),
    "another key": edited(lambda p: p.update(more=1)),
    "symbols a list": edited(lambda p: p.update(symbols=[])),
    "empty symbol": edited(lambda p: p["symbols"].update({"": p["symbols"]["*"]})),
    "no cancel": edited(lambda p: p["symbols"]["*"].pop("cancel")),
    "another operation": edited(lambda p: p["symbols"]["*"].update(query=RING)),
    "no idx": edited(lambda p: first_ring(p).pop("idx")),
    "idx 3": edited(lambda p: first_ring(p).update(idx=3)),
    "idx -1": edited(lambda p: first_ring(p).update(idx=-1)),
    "before the epoch": edited(lambda p: first_ring(p).update(base_ts=-2)),
    "after all time": edited(lambda p: first_ring(p).update(base_ts=2**60)),
    "count -1": edited(lambda p: first_ring(p).update(ring=[0, -1, 0])),
    "count float": edited(lambda p: first_ring(p).update(ring=[0, 1.0, 0])),
    "count too large": edited(lambda p: first_ring(p).update(ring=[0, 2**32, 0])),
    "ring too short": edited(lambda p: first_ring(p).update(ring=[0, 1])),
    "part of version 1": edited(lambda p: p.update(events_total=1)),
    "version 1 with null": edited(lambda p: p.update(LEGACY, window_since=None)),
    "version 1 without a key": edited(lambda p: p.pop("events_total"), V1),
    "version 1 with another key": edited(lambda p: p.update(ring=[]), V1),
    "version 1 with a bad time": edited(lambda p: p.update(window_since="yesterday"), V1),
    "version 1 without a zone": edited(lambda p: p.update(window_since="2025-01-01T00:00:00"), V1),
    "version 1 with a negative": edited(lambda p: p.update(backoff_ms_max=-1), V1),
    "version 1 as true": edited(lambda p: p.update(version=True), V1),
    "version 1 with a float": edited(lambda p: p.update(backoff_ms_max=1.5), V1),
    "empty": {},
    "a list": [],
}


@pytest.mark.spec("02-8.4")
@pytest.mark.parametrize("name", BAD)
def test_any_other_shape_is_refused_and_changes_nothing(name):
    session = Session()
    with pytest.raises(AdminError) as caught:
        post_load(session, BAD[name], roots=())
    assert (caught.value.status, caught.value.reason) == (400, "invalid_payload")
    assert session.loads == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (wrap(V2) | {"sha256": "0" * 64}, "bad_checksum"),
        ({"payload": V2, "version": 2}, "invalid_structure"),
        ({"path": 1}, "invalid_path"),
        ({"path": "missing.json"}, "path_not_allowed"),
    ],
)
def test_envelopes_and_paths_are_checked(body, reason, tmp_path):
    session = Session()
    with pytest.raises(AdminError) as caught:
        post_load(session, body, roots=((tmp_path / "root").resolve(),))
    assert (caught.value.status, caught.value.reason) == (400, reason)
    assert session.loads == []


def test_a_file_must_hold_the_envelope(tmp_path):
    (tmp_path / "bare.json").write_text(json.dumps(V2))
    with pytest.raises(AdminError, match="invalid_structure"):
        post_load(Session(), {"path": str(tmp_path / "bare.json")}, roots=(tmp_path.resolve(),))


@pytest.mark.spec("02-8.4")
def test_reset_and_status():
    session = Session()
    assert post_reset(session).model_dump() == {"status": "ok"}
    assert session.resets == 1
    assert get_snapshot_status(session).model_dump() == {
        "last_load_ts": 0.0,
        "last_write_ts": 2.5,
        "path": "artifacts/t.json",
    }


@st.composite
def payloads(draw):
    size = draw(st.integers(1, 8))
    ring = st.builds(
        lambda base, idx, counts: {"base_ts": base, "idx": idx, "ring": counts},
        st.integers(0, 2**33),
        st.integers(0, size - 1),
        st.lists(st.integers(0, 2**32 - 1), min_size=size, max_size=size),
    )
    rings = st.fixed_dictionaries(dict.fromkeys(("amend", "cancel", "create"), ring))
    symbols = draw(st.dictionaries(st.text(min_size=1, max_size=9), rings, max_size=3))
    return {"symbols": symbols, "version": 2, "window_sec": size}


@pytest.mark.spec("02-8.4")
@given(payloads())
def test_every_payload_of_the_shape_is_taken_unchanged(payload):
    assert parse_payload(payload).payload == payload
