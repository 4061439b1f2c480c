"""A session against the backtest of its own period: orders paired, the difference split."""
