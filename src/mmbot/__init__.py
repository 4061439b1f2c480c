"""mmbot: market making for crypto exchanges, one decision core from backtest to live."""

from mmbot.strategy import Level, Quotes, Strategy, StrategyView

__version__ = "0.1.0"

__all__ = ["Level", "Quotes", "Strategy", "StrategyView", "__version__"]
