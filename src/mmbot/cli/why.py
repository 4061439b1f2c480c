"""`mmbot why`: the decision behind an order, or behind its absence."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from mmbot.cli import why_view
from mmbot.cli.journal_place import journal_dir, located, session_of
from mmbot.cli.options import ConfigOption, JsonOption
from mmbot.cli.progress import byte_bar
from mmbot.errors import ConfigError, StoreError
from mmbot.store.canonical import canonical_json
from mmbot.store.journal import JournalReader
from mmbot.trading.explain import Explanation, explain, order_number
from mmbot.units import parse_utc_ns

__all__ = ["app"]

app = typer.Typer(add_completion=False, rich_markup_mode="rich")
# Beyond a tick or a lot nothing is real; what lies between two ticks needs a few digits more.
_DP = 12


@app.command(
    help=(
        "Explain an order: what its decision looked at, how price and size came about, which "
        "checks it passed, why it was sent; or with --at what a symbol did at a time and what was "
        "refused. The decision is rebuilt from the journal; exit 2 (E_WHY_MISMATCH) if it does not "
        "lead to what was sent."
    ),
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "mmbot why mmk3v71q8f2x0a-2s\n\n"
        "mmbot why 100 --session 7c1f1c1e-5d1b-5c55-8d0e-3d2f6a0b9c11\n\n"
        "mmbot why --at 2026-01-01T00:00:30Z --symbol BTCUSDT --json"
    ),
)
def why(
    order_id: Annotated[
        str | None,
        typer.Argument(
            metavar="ORDER_ID", help="Client order id, or the order's number in its session."
        ),
    ] = None,
    *,
    at: Annotated[
        str | None, typer.Option("--at", metavar="TS", help="Explain this moment instead.")
    ] = None,
    symbol: Annotated[str | None, typer.Option("--symbol", help="Symbol of the moment.")] = None,
    session: Annotated[
        str | None,
        typer.Option("--session", metavar="DIR|ID", help="Default: the order's, else the newest."),
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Explain and print."""
    if (order_id is None) == (at is None) or (at is None) != (symbol is None):
        raise ConfigError("E_CFG_MISSING", "ORDER_ID", "or --at TS with --symbol must be given")
    place = (
        session_of(journal_dir(config), order_id) if session is None else located(session, config)
    )
    try:
        found = _explained(place, order_id, at, symbol)
    except StoreError as exc:
        if exc.code != "E_WHY_MISMATCH":
            raise
        sys.stderr.write(f"{exc}\n")
        raise typer.Exit(2) from exc
    if as_json:
        sys.stdout.write(canonical_json(found.as_json(), dp=_DP, nonfinite="null").decode("ascii"))
    else:
        sys.stdout.write(why_view.text_of(found))


def _explained(
    place: Path, order_id: str | None, at: str | None, symbol: str | None
) -> Explanation:
    reader = JournalReader(place)
    with byte_bar() as bar:
        bar.begin("replay", 0)  # checkpoints decide how much there is to read
        if order_id is not None:
            number = order_number(order_id, reader.header()["cid_prefix"])
            return explain(place, order=number, on_bytes=bar.advance)
        assert at is not None
        assert symbol is not None
        moment = (symbol.upper(), parse_utc_ns(at, key="--at"))
        return explain(place, at=moment, on_bytes=bar.advance)
