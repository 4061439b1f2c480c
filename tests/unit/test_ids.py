import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmbot.ids import base36, cid_prefix, cid_text, sub_seed


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


@pytest.mark.spec("02-5.1")
@given(
    st.integers(0, 2**40),
    st.integers(0, 255),
    st.integers(1, 50).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n - 1))),
)
def test_cid_text_counts_over_the_symbols_of_a_session(seq, slot, places):
    symbols, symbol = places
    prefix = cid_prefix(env="dev", lock_key="k", session="one")
    text = cid_text(prefix, seq << 8 | slot, symbol=symbol, symbols=symbols)
    assert text.startswith(prefix)
    assert divmod(int(text[len(prefix) :], 36), symbols) == (seq, symbol)
    assert len(text) <= 36


@pytest.mark.parametrize("value", [0, 35, 36, 1295])
def test_base36_digits(value):
    assert base36(value) == {0: "0", 35: "z", 36: "10", 1295: "zz"}[value]
