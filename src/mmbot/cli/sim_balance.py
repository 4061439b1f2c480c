"""`mmbot sim virtual-balance`: the ledger of trades and prices from files."""

from __future__ import annotations

import sys
from dataclasses import asdict
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any

import typer

from mmbot.cli.options import ConfigOption
from mmbot.config import ConfigRequest, load_config
from mmbot.errors import ConfigError
from mmbot.finops.ledger import VirtualBalance, book
from mmbot.finops.ledger_lines import in_order, read_flows, read_mids, read_trades
from mmbot.store.artifacts import write_json
from mmbot.store.runtime import artifact_path

__all__ = ["virtual_balance"]


def virtual_balance(
    *,
    trades: Annotated[Path, typer.Option("--trades", help="Own fills, JSON lines; ts in ms.")],
    prices: Annotated[Path, typer.Option("--prices", help="Mids, JSON lines.")],
    cash_flows: Annotated[
        Path | None, typer.Option("--cash-flows", help="Funding and transfers, JSON lines.")
    ] = None,
    initial_cash: Annotated[
        str, typer.Option("--initial-cash", help="In trading.base_ccy, as all results.")
    ] = "0",
    out_daily: Annotated[
        Path | None, typer.Option("--out-daily", show_default="artifacts/LEDGER_DAILY.json")
    ] = None,
    out_equity: Annotated[
        Path | None, typer.Option("--out-equity", show_default="artifacts/LEDGER_EQUITY.json")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Book fills and prices into a ledger: equity over time, and a record for every UTC day.

    A repeated exec_id counts once. Exit 1 for a line that cannot be used; nothing is written then.
    """
    cash = _decimal(initial_cash)
    fx = load_config(ConfigRequest(path=config)).config.trading.fx_usd_to_base
    flows = [] if cash_flows is None else read_flows(cash_flows)
    events = in_order(read_trades(trades), flows, read_mids(prices))
    balance = book(events, initial_cash=cash, fx=Decimal(repr(fx)))
    daily = out_daily or artifact_path("LEDGER_DAILY.json")
    equity = out_equity or artifact_path("LEDGER_EQUITY.json")
    write_json(daily, _days(balance))
    write_json(equity, [_plain({"ts": p.ts_ms, "equity": p.equity}) for p in balance.equity])
    if balance.repeated:
        sys.stderr.write(f"repeated executions, counted once: {balance.repeated}\n")
    sys.stdout.write(f"WROTE {daily} {equity}\n")


def _days(balance: VirtualBalance) -> list[dict[str, Any]]:
    return [_plain(asdict(day)) for day in balance.days]


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    """Times stay whole where they are, amounts are written with six decimals."""
    found = {}
    for name, value in record.items():
        is_whole = name == "ts" and value == value.to_integral_value()
        number = isinstance(value, Decimal) and not is_whole
        found[name] = float(value) if number else int(value) if is_whole else value
    return found


def _decimal(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        raise ConfigError("E_CFG_TYPE", "--initial-cash", f"must be a number: {text!r}")
    return value
