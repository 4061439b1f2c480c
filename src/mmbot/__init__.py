"""mmbot: market making for crypto exchanges, one decision core from backtest to live."""

__version__ = "0.1.0"

__all__ = ["__version__"]
