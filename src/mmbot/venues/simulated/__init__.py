"""A local exchange on the simulator that speaks Bybit v5 (docs/exchange.md)."""
