"""Measurements and experiments on market data: backtests, sweeps, queue models, stylised facts."""
