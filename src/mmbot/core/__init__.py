"""Python face of the Rust core; the only module that imports the extension.

Market data in: `CaptureDecoder` and `FrameBook` (venue bytes), `StreamMerger` (catalog streams to
chunks), `MarketGenerator` (synthetic markets). A run: `Backtest` over `EventChunk`s of one
`Instrument`. Scores and statistics: `score_queue_models`, `TapeReader`. Journals of sessions:
`JournalFramer`, `JournalDecoder`. Errors are `CoreError` (with `code` and `key`), `FrameError` and
`JournalError`.
"""

from mmbot._core import (
    Backtest,
    CaptureDecoder,
    CoreError,
    EventChunk,
    FrameBook,
    FrameError,
    Instrument,
    JournalDecoder,
    JournalError,
    JournalFramer,
    MarketGenerator,
    StreamMerger,
    SymbolInfo,
    TapeReader,
    capture_formats,
    detect_format,
    journal_counts,
    journal_kinds,
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
    "JournalDecoder",
    "JournalError",
    "JournalFramer",
    "MarketGenerator",
    "StreamMerger",
    "SymbolInfo",
    "TapeReader",
    "capture_formats",
    "detect_format",
    "journal_counts",
    "journal_kinds",
    "scan_symbols",
    "score_queue_models",
]
