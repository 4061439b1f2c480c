"""Builds what goes along with a session to leave records: recorder, summaries, executions."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from mmbot.cli.markets import SymbolMarket
from mmbot.cli.record_choices import RecordChoices, is_recorded
from mmbot.config.changes import InForce
from mmbot.config.operations import RecorderConfig
from mmbot.market.exec_recorder import ExecRecorder
from mmbot.market.parts import Root
from mmbot.market.record_market import RecordedBefore
from mmbot.market.recorder import MarketRecorder, RecordedSymbol
from mmbot.market.summaries import SummaryOptions, SummaryOrigin
from mmbot.market.writer import Series
from mmbot.store.runtime import artifacts_dir, git_sha
from mmbot.trading.execution_records import ExecutionCompanion, ExecutionSymbol
from mmbot.trading.identity import SessionIdentity
from mmbot.trading.recording import RecordingCompanion
from mmbot.trading.session import Companion
from mmbot.trading.summarising import SummaryCompanion, SummarySymbol

__all__ = ["is_repeatable", "market_recorder", "record_companions"]

_EXEC_RECORDER: Final = "EXEC_RECORDER_ENABLED"

Log = Callable[[str], None]


def record_companions(
    choices: RecordChoices,
    state: InForce,
    identity: SessionIdentity,
    markets: Sequence[SymbolMarket],
    *,
    log: Log,
    env: Mapping[str, str] | None = None,
) -> list[Companion]:
    """The companions that record; none writes before the session begins.

    Raises:
        MarketDataError: the catalog that is recorded into is damaged.
    """
    env = os.environ if env is None else env
    config = state.config.recorder
    found: list[Companion] = []
    if is_recorded(choices, state):
        recorder = market_recorder(
            config, identity, markets, market=choices.market, waits=choices.waits
        )
        found += [RecordingCompanion(recorder, log), _summaries(config, identity, markets, log)]
    if env.get(_EXEC_RECORDER) == "1":
        found.append(_executions(identity, markets, log, env))
    return found


def market_recorder(
    config: RecorderConfig,
    identity: SessionIdentity,
    markets: Sequence[SymbolMarket],
    *,
    market: bool,
    waits: bool,
) -> MarketRecorder:
    """The recorder of a session, not started.

    Raises:
        MarketDataError: the catalog that is recorded into is damaged.
    """
    symbols = [
        _recorded_symbol(config, identity, markets, at, market=market) for at in range(len(markets))
    ]
    return MarketRecorder(
        config.data_dir,
        symbols,
        tag=f"{identity.session}-{os.getpid()}",
        queue_max=config.queue_max,
        flush_ms=config.flush_ms,
        bins_max_bps=config.bins_max_bps,
        waits=waits,
    )


def _recorded_symbol(
    config: RecorderConfig,
    identity: SessionIdentity,
    markets: Sequence[SymbolMarket],
    at: int,
    *,
    market: bool,
) -> RecordedSymbol:
    series = markets[at].series
    # A recording is one clock and one book: a live session is one, a synthetic market is one.
    extra = {"recording": identity.session, **series.extra, "session": identity.session}
    before = RecordedBefore()
    if market and is_repeatable(series):
        before = RecordedBefore.read(Root(config.data_dir), series.venue, series.symbol)
    return RecordedSymbol(
        series=replace(series, cfg_hash=identity.cfg_hash, extra=extra),
        cid_text=identity.cid_text(at),
        market=market,
        before=before,
    )


def is_repeatable(series: Series) -> bool:
    """Whether the market comes the same every time it is opened: its venue names its seed."""
    return series.synthetic and "seed" in series.extra


def _summaries(
    config: RecorderConfig, identity: SessionIdentity, markets: Sequence[SymbolMarket], log: Log
) -> SummaryCompanion:
    return SummaryCompanion(
        Path(config.summaries_dir),
        SummaryOptions.from_config(config),
        SummaryOrigin(git_sha=git_sha(), cfg_hash=identity.cfg_hash, segment=identity.session),
        [SummarySymbol(each.instrument.symbol, each.instrument.tick) for each in markets],
        log=log,
    )


def _executions(
    identity: SessionIdentity, markets: Sequence[SymbolMarket], log: Log, env: Mapping[str, str]
) -> ExecutionCompanion:
    symbols = [
        ExecutionSymbol(
            each.instrument.symbol,
            each.instrument.tick,
            each.instrument.lot,
            identity.cid_text(at),
        )
        for at, each in enumerate(markets)
    ]
    return ExecutionCompanion(ExecRecorder(artifacts_dir(env)), symbols, log)
