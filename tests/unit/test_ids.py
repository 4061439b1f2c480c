import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmbot.ids import base36, cid_prefix, sub_seed


def test_sub_seed_is_the_head_of_the_digest():
    digest = hashlib.sha256(b"7:latency:2:3").hexdigest()
    assert f"{sub_seed(7, 'latency', 2, 3):016x}" == digest[:16]


def test_sub_seeds_of_different_purposes_differ():
    seeds = {sub_seed(1, purpose, i) for purpose in ("a", "b") for i in range(100)}
    assert len(seeds) == 200


@given(st.integers(0, 2**200))
def test_base36_reads_back(value):
    assert int(base36(value), 36) == value


@pytest.mark.spec("02-5.1")
def test_cid_prefix_leaves_room_for_the_sequence():
    prefix = cid_prefix(env="prod", lock_key="mm:leader", session="20240809T000000Z-abcdef01")
    assert prefix.startswith("mm")
    assert prefix.endswith("-")
    assert len(prefix) == 2 + 4 + 8 + 1
    assert len(prefix) + len(base36(2**64)) <= 36


@pytest.mark.spec("02-D21")
def test_cid_prefix_keeps_the_bot_over_sessions():
    first = cid_prefix(env="prod", lock_key="k", session="one")
    second = cid_prefix(env="prod", lock_key="k", session="two")
    assert first[:6] == second[:6]
    assert first != second
    assert cid_prefix(env="dev", lock_key="k", session="one")[:6] != first[:6]


@pytest.mark.parametrize("value", [0, 35, 36, 1295])
def test_base36_digits(value):
    assert base36(value) == {0: "0", 35: "z", 36: "10", 1295: "zz"}[value]
