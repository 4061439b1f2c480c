"""What the recorder's companion passes on, and what it says at the end."""

from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.unit.trading.made_session_rows import fill, order_event, taken

from mmbot import core
from mmbot.config import AppConfig
from mmbot.market.recorder import MarketRecorder, RecordedSymbol
from mmbot.market.writer import Series
from mmbot.trading.identity import SessionIdentity
from mmbot.trading.recording import RecordingCompanion

ENGINE: Any = None
SYMBOLS = ("BTCUSDT", "ETHUSDT")
ENV = {"MM_FREEZE_UTC": "1"}


def companion(root, said, identity):
    symbols = [
        RecordedSymbol(
            series=Series(
                venue="v", symbol=symbol, tick_size="0.1", lot_size="0.001", cfg_hash="c"
            ),
            cid_text=identity.cid_text(at),
        )
        for at, symbol in enumerate(SYMBOLS)
    ]
    recorder = MarketRecorder(
        str(root), symbols, tag="t", queue_max=100, flush_ms=5, bins_max_bps=50, waits=True
    )
    return RecordingCompanion(recorder, said.append)


@pytest.fixture
def identity():
    return SessionIdentity.of(AppConfig(), SYMBOLS, ENV)


@pytest.mark.spec("02-5.1")
def test_an_identity_is_the_bots_and_the_sessions(identity):
    assert identity.cid_prefix.startswith("mm")
    other = SessionIdentity.of(AppConfig(), SYMBOLS, {**ENV, "MM_ENV": "prod"})
    assert other.cid_prefix[:6] != identity.cid_prefix[:6]
    # Numbers count over the session, so that no two symbols share one.
    texts = {identity.cid_text(at)(seq << 8 | 3) for at in range(2) for seq in range(100)}
    assert len(texts) == 200
    assert identity.cid_text(1)(18 << 8) == f"{identity.cid_prefix}11"


def test_chunks_and_rows_of_all_symbols_arrive_and_the_end_says_how_many(tmp_path, identity):
    said: list[str] = []
    one = companion(tmp_path, said, identity)
    market = core.MarketGenerator(1, "calm", 50_000.0, "0.1", "0.001", 1_000_000_000_000)
    one.begin(ENGINE, 0)
    one.on_chunk(1, market.next_chunk(200))
    at_ns = 1_000_000_000_000
    first = taken([order_event(at_ns, 256, "ack")])
    second = taken([order_event(at_ns, 256, "ack")], [fill(at_ns + 1, 256)], symbol="ETHUSDT")
    one.step(ENGINE, at_ns, [first, second])
    one.close(ENGINE, at_ns + 2, [taken([], [fill(at_ns + 2, 256)]), taken(symbol="ETHUSDT")])
    assert len(said) == 1
    assert said[0].startswith("| recorder | CLOSED | book=")
    assert said[0].endswith(" orders=2 fills=2 |")
    cids = {
        path.parts[-3]: pq.read_table(path).column("cid").to_pylist()
        for path in (tmp_path / "fills").rglob("*.parquet")
    }
    assert cids == {
        "symbol=BTCUSDT": [f"{identity.cid_prefix}2"],
        "symbol=ETHUSDT": [f"{identity.cid_prefix}3"],
    }


def test_a_disk_that_takes_nothing_ends_the_session_well_and_says_so(tmp_path, identity):
    for stream in ("orders", "fills", "book", "trades"):
        (tmp_path / stream).write_text("in the way")
    said: list[str] = []
    one = companion(tmp_path, said, identity)
    one.begin(ENGINE, 0)
    one.step(ENGINE, 1, [taken([order_event(1, 256, "ack")]), taken(symbol="ETHUSDT")])
    one.close(ENGINE, 2, [taken(), taken(symbol="ETHUSDT")])
    assert said[0] == "| recorder | ERROR | E_REC_WRITE: rows=1 could not be written at the end |"
    assert said[1].endswith(" errors=3 lost=1 |")
