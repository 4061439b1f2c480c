"""Python face of the Rust core; the only module that imports the extension.

Market data in: `CaptureDecoder` and `FrameBook` (venue bytes), `StreamMerger` (catalog streams to
chunks), `MarketGenerator` (synthetic markets). A run: `Backtest` over `EventChunk`s of one
`Instrument`. Scores and statistics: `score_queue_models`, `TapeReader`. Errors are `CoreError`
(with `code` and `key`) and `FrameError`.
"""

from mmbot._core import (
    Backtest,
    CaptureDecoder,
    CoreError,
    EventChunk,
    FrameBook,
    FrameError,
    Instrument,
    MarketGenerator,
    StreamMerger,
    SymbolInfo,
    TapeReader,
    capture_formats,
    detect_format,
    scan_symbols,
    score_queue_models,
)

__all__ = [
    "Backtest",
    "CaptureDecoder",
    "CoreError",
    "EventChunk",
    "FrameBook",
    "FrameError",
    "Instrument",
    "MarketGenerator",
    "StreamMerger",
    "SymbolInfo",
    "TapeReader",
    "capture_formats",
    "detect_format",
    "scan_symbols",
    "score_queue_models",
]
