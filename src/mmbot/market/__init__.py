"""Market data: the Parquet catalog, importers, statistics, checks, synthetic markets."""

from mmbot.market.catalog import StreamInfo, SymbolInfo, find_symbol, read_events, read_info

__all__ = ["StreamInfo", "SymbolInfo", "find_symbol", "read_events", "read_info"]
