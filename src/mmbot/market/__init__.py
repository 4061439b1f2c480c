"""Market data: the Parquet catalog, importers, statistics, checks, synthetic markets."""

# First: pyarrow chooses where its memory comes from when it is loaded.
from mmbot.market import _arrow_memory  # noqa: F401
from mmbot.market.catalog import StreamInfo, SymbolInfo, find_symbol, read_events, read_info

__all__ = ["StreamInfo", "SymbolInfo", "find_symbol", "read_events", "read_info"]
