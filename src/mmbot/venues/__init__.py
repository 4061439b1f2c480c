"""Exchanges: what every venue offers (ports), how calls are retried, and one package per venue."""
