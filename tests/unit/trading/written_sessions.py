"""Short sessions of the embedded market that write a journal."""

from mmbot import core
from mmbot.config import ConfigRequest, load_config, sim_params
from mmbot.ids import cid_prefix
from mmbot.store.journal import CheckpointWriter, JournalWriter
from mmbot.trading.engine import EngineSpec, build_engine
from mmbot.trading.identity import SessionIdentity
from mmbot.trading.journaling import journal_header
from mmbot.units import NS_PER_MIN, NS_PER_SEC

__all__ = ["PREFIX", "START_NS", "SYMBOLS", "identity_of", "load", "write_session"]

SYMBOLS = ("BTCUSDT", "ETHUSDT")
START_NS = 1_767_225_600 * NS_PER_SEC
_GRIDS = {"BTCUSDT": (50_000.0, "0.1", "0.001"), "ETHUSDT": (2_500.0, "0.01", "0.01")}


def identity_of(session, symbols=SYMBOLS):
    prefix = cid_prefix(env="dev", lock_key="key", session=session)
    return SessionIdentity(session, prefix, "0" * 8, tuple(symbols))


def load(symbols=SYMBOLS, sets=()):
    return load_config(ConfigRequest(symbols=symbols, sets=sets))


def write_session(
    directory,
    *,
    symbols=SYMBOLS,
    seconds=20,
    seed=5,
    sets=(),
    session="s-1",
    checkpoints=False,
    on_second=None,
):
    """Run a session and write its journal below `directory`; return the journal's path.

    `on_second` is called with the engine and the number of each second that is over.
    """
    loaded = load(symbols, sets)
    header = journal_header(loaded, identity_of(session, symbols), mode="paper", seed=seed)
    generators = [
        core.MarketGenerator(seed + at, "volatile", *_GRIDS[symbol], START_NS)
        for at, symbol in enumerate(symbols)
    ]
    engine = build_engine(
        EngineSpec(
            instruments=[core.Instrument(s, *_GRIDS[s][1:]) for s in symbols],
            configs=[loaded.config],
            simulator=sim_params(loaded.config),
            seed=seed,
            bar_ns=NS_PER_MIN,
            record=True,
            journal=header,
        )
    )
    with JournalWriter(directory, session, fsync_ms=0) as writer:
        keeper = CheckpointWriter(writer.path) if checkpoints else None
        until_ns = START_NS
        while until_ns < START_NS + seconds * NS_PER_SEC:
            until_ns += NS_PER_SEC
            while engine.advance(None, until_ns):
                at = engine.hungriest()
                assert at is not None, "the market has no end"
                engine.advance(generators[at].next_chunk(1000), until_ns - NS_PER_SEC, at)
            if on_second is not None:
                on_second(engine, (until_ns - START_NS) // NS_PER_SEC)
            writer.append(engine.take_journal())
            if keeper is not None:
                for checkpoint in engine.take_checkpoints():
                    keeper.append(checkpoint)
        engine.stop()
        engine.finish("duration")
        writer.append(engine.take_journal())
        if keeper is not None:
            keeper.close()
        return writer.path


PREFIX = identity_of("s-1").cid_prefix
