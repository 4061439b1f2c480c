"""Options that several commands share, with one name and one help text each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["ConfigOption", "JsonOption", "ProfileOption", "SetOption", "SymbolOption"]

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help="Configuration file.", show_default="config/app.yaml"),
]
ProfileOption = Annotated[
    str | None, typer.Option("--profile", help="Profile over the file: S1, steady_safe, ...")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Set a key or quoting parameter; repeatable."),
]
SymbolOption = Annotated[
    list[str] | None, typer.Option("--symbol", help="Replaces trading.symbols; repeatable.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
