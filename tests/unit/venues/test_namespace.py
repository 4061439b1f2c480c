"""Whose orders are ours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmbot.errors import VenueError
from mmbot.ids import cid_prefix, cid_text
from mmbot.venues.namespace import CidNamespace

OURS = CidNamespace.of(env="dev", lock_key="a")


@given(
    session=st.text(min_size=1, max_size=40),
    cid=st.integers(0, 2**63 - 1),
    symbol=st.integers(0, 49),
)
@pytest.mark.spec("02-5.1")
def test_every_id_that_a_session_makes_is_owned_and_read_back(session, cid, symbol):
    prefix = cid_prefix(env="dev", lock_key="a", session=session)
    text = cid_text(prefix, cid, symbol=symbol, symbols=50)
    assert len(text) <= 36
    assert OURS.owns(text)
    parts = OURS.parts(text)
    assert parts is not None
    assert f"{parts.bot}{parts.session}-" == prefix
    assert parts.seq == (cid >> 8) * 50 + symbol


@pytest.mark.parametrize(
    "cid",
    [
        "",
        "web-1",
        "mm",
        OURS.bot.upper() + "00000000-1",
        CidNamespace.of(env="dev", lock_key="b").bot + "00000000-1",
        CidNamespace.of(env="prod", lock_key="a").bot + "00000000-1",
        "x" + OURS.bot + "00000000-1",
    ],
)
def test_other_ids_are_foreign(cid):
    assert not OURS.owns(cid)
    assert OURS.parts(cid) is None
    with pytest.raises(VenueError, match="E_VENUE_FOREIGN"):
        OURS.check(cid, "BTCUSDT")


@pytest.mark.parametrize("rest", ["", "-1", "0000000-1", "00000000-", "00000000-1 ", "00000000-\n"])
def test_an_id_under_our_prefix_that_no_session_made_has_no_parts(rest):
    assert OURS.owns(OURS.bot + rest)
    assert OURS.parts(OURS.bot + rest) is None
