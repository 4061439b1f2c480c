"""Sessions against the simulated exchange, journalled as `mmbot run` writes them."""

from mmbot import core
from mmbot.config import AppConfig, lane_params
from mmbot.config.session import session_params
from mmbot.research.comparison.rerun import chunk_of
from mmbot.store.journal import JournalReader, JournalWriter
from mmbot.trading.drive import Drive, Feed
from mmbot.units import NS_PER_SEC

SIM = {"queue_power_n": 2.0}
T0 = 1_767_225_600_000_000_000
SEED = 7


def config(symbols=("BTCUSDT",), *, base_spread_bps=0.5, **strategy):
    return AppConfig.model_validate(
        {
            "trading": {"symbols": list(symbols), "base_spread_bps": base_spread_bps},
            "strategy": {"order_ttl_ms": 20_000, **strategy},
        }
    )


def market(symbol, seconds, *, seed=1, regime="mixed"):
    source = core.MarketGenerator(seed + len(symbol), regime, 50_000.0, "0.1", "0.001", T0, 10)
    end_ns = T0 + seconds * NS_PER_SEC
    while len(chunk := source.next_chunk(20_000, end_ns)):
        yield chunk


def write_session(
    directory, *, seconds=240, sim=SIM, symbols=("BTCUSDT",), events=(), markets=None, **strategy
):
    """Trade and write the journal; `events` are (second, function of the engine).

    Returns the journal's directory, what the session made, and the mids at its end in 1/10,000
    tick.
    """
    conf = config(symbols, **strategy)
    header = {
        "session_id": "s",
        "mode": "paper",
        "ts_ns": 0,
        "seed": SEED,
        "cid_prefix": "mm-",
        "config": b"{}",
        "hash_every_ns": 60 * NS_PER_SEC,
        "checkpoints": False,
    }
    engine = core.Backtest(
        [core.Instrument(symbol, "0.1", "0.001") for symbol in symbols],
        [[lane_params(conf, symbol) for symbol in symbols]],
        sim=dict(sim),
        session=[session_params(conf, symbols, cid_prefix="mm-")],
        seed=SEED,
        bar_ns=60 * NS_PER_SEC,
        allocate=(lambda _: ([0.6, 0.4], None)) if len(symbols) == 2 else None,
        journal=header,
    )
    writer = JournalWriter(directory, "s", fsync_ms=1000)
    chunks = markets or [market(symbol, seconds + 5) for symbol in symbols]
    drive = Drive(engine, [Feed(*one) for one in zip(symbols, chunks, strict=True)])
    start_ns = drive.open()
    drive.begin()
    for second in range(1, seconds + 1):
        drive.advance(start_ns + second * NS_PER_SEC)
        for at, act in events:
            if at == second:
                act(engine)
        writer.append(engine.take_journal())
    drive.drain()
    engine.finish("duration")
    writer.append(engine.take_journal())
    writer.close()
    results = [engine.result(0, at) for at in range(len(symbols))]
    net = sum(result["net_pnl_usd"] for result in results)
    return directory / "s", net, [round(20 * result["final_mid"]) * 5_000 for result in results]


def rewritten(path, directory, change):
    """The journal once more, each record changed by `change` (None: left out)."""
    framer = core.JournalFramer(0)
    writer = JournalWriter(directory, "s", fsync_ms=1000)
    for record in JournalReader(path).records(rows=True):
        if record["kind"] == "market_rows":
            framer.push_rows(record["instrument"], chunk_of(record["columns"]))
        elif (changed := change(dict(record))) is not None:
            framer.push(changed)
    writer.append(framer.take())
    writer.close()
    return directory / "s"
