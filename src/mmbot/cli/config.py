"""`mmbot config`: show, check, explain and compare the configuration; versions of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mmbot.cli.config_versions import history, rollback
from mmbot.cli.options import ConfigOption, JsonOption, ProfileOption, SetOption, SymbolOption
from mmbot.config import (
    AppConfig,
    ConfigRequest,
    Explanation,
    LoadedConfig,
    cfg_hash,
    check_config,
    difference,
    explain,
    format_value,
    load_config,
    unit_findings,
)
from mmbot.config.describe import describe_values
from mmbot.config.schema import is_hot
from mmbot.errors import ConfigError
from mmbot.store.canonical import canonical_json

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Show, check, explain and roll back the configuration.",
    epilog="mmbot config explain strategy.order_ttl_ms --set strategy.order_ttl_ms=900",
)
app.command()(history)
app.command()(rollback)


def _load(
    config: Path | None, profile: str | None, sets: list[str] | None, symbols: list[str] | None
) -> LoadedConfig:
    loaded = load_config(_request(config, profile, sets, symbols))
    for line in loaded.messages:
        if line.startswith("W_"):
            typer.echo(line, err=True)
    return loaded


def _request(
    config: Path | None, profile: str | None, sets: list[str] | None, symbols: list[str] | None
) -> ConfigRequest:
    return ConfigRequest(
        path=config, profile=profile, sets=tuple(sets or ()), symbols=tuple(symbols or ())
    )


@app.command()
def describe(
    *,
    config: ConfigOption = None,
    profile: ProfileOption = None,
    sets: SetOption = None,
    symbol: SymbolOption = None,
    sources: Annotated[
        bool,
        typer.Option(
            "--sources", help="Add where each value comes from, and whether it may change live."
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Print every key with its value in force."""
    loaded = _load(config, profile, sets, symbol)
    values = describe_values(loaded.config)
    origins = {key: _origin(loaded, key) for key in values} if sources else {}
    marks = {key: "live" if is_hot(key) else "restart" for key in origins}
    if as_json:
        body: dict[str, object] = {"cfg_hash": cfg_hash(loaded.config), "values": values}
        if sources:
            body["sources"] = origins
            body["change"] = marks
        _echo_json(body)
        return
    for key, value in values.items():
        typer.echo(f"{key}={value}" + (f"  # {origins[key]} [{marks[key]}]" if sources else ""))


@app.command()
def validate(
    *,
    config: ConfigOption = None,
    profile: ProfileOption = None,
    sets: SetOption = None,
    symbol: SymbolOption = None,
) -> None:
    """Report every problem of the configuration; exit 1 if there is one."""
    loaded, problems = check_config(_request(config, profile, sets, symbol))
    for problem in problems:
        typer.echo(str(problem), err=True)
    if loaded is None or problems:
        raise typer.Exit(1)
    for line in loaded.messages:
        typer.echo(line, err=True)
    typer.echo(f"OK {loaded.path or 'defaults'} cfg_hash={cfg_hash(loaded.config)}")


@app.command("explain")
def explain_key(
    key: Annotated[str, typer.Argument(help="Dotted key, such as strategy.order_ttl_ms.")],
    *,
    config: ConfigOption = None,
    profile: ProfileOption = None,
    sets: SetOption = None,
    symbol: SymbolOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what a key means, what its value is, where it comes from and what it overrode."""
    told = explain(_load(config, profile, sets, symbol), key)
    if as_json:
        _echo_json(_explanation_json(told))
        return
    info = told.info
    typer.echo(f"{told.key} = {told.value}")
    typer.echo(f"  meaning   {info.doc}")
    rule = " ".join(part for part in (info.type, info.range) if part)
    typer.echo(f"  allowed   {rule}")
    typer.echo(f"  hot       {'yes' if info.hot else 'no, needs a restart'}")
    typer.echo(f"  origin    {told.origin}")
    typer.echo("  layers    (the last one holds)")
    typer.echo(f"    default          {_short(info.default)}")
    for said in told.history:
        place = f"  {said.place}" if said.place else ""
        typer.echo(f"    {said.origin:<16} {_short(said.value)}{place}")


@app.command()
def diff(
    left: Annotated[str, typer.Argument(help="A file, profile:NAME, or defaults.")],
    right: Annotated[str, typer.Argument(help="A file, profile:NAME, or defaults.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Compare two effective configurations; prints nothing when they are equal."""
    rows = difference(_side(left).config, _side(right).config)
    if as_json:
        _echo_json({key: {"left": a, "right": b} for key, a, b in rows})
        return
    for key, a, b in rows:
        typer.echo(f"{key}: {a} -> {b}")


@app.command("hash")
def print_hash(
    *,
    config: ConfigOption = None,
    profile: ProfileOption = None,
    sets: SetOption = None,
    symbol: SymbolOption = None,
) -> None:
    """Print the hash that reports carry as cfg_hash."""
    typer.echo(cfg_hash(_load(config, profile, sets, symbol).config))


@app.command()
def lint(
    *, config: ConfigOption = None, profile: ProfileOption = None, sets: SetOption = None
) -> None:
    """Check that every numeric key names its unit and that the layers load; exit 1 if not."""
    _load(config, profile, sets, None)
    findings = unit_findings()
    for finding in findings:
        typer.echo(str(finding), err=True)
    if findings:
        raise typer.Exit(1)
    typer.echo("OK units")


def _side(text: str) -> LoadedConfig:
    """One side of a comparison, without the environment: files are compared, not shells."""
    if text == "defaults":
        return LoadedConfig(AppConfig(), None, {}, (), ())
    if text.startswith("profile:"):
        return load_config(ConfigRequest(env={}, profile=text.removeprefix("profile:")))
    path = Path(text)
    if not path.is_file():
        raise ConfigError("E_CFG_MISSING", text, "is neither a file, profile:NAME nor defaults")
    return load_config(ConfigRequest(env={}, path=path))


def _origin(loaded: LoadedConfig, key: str) -> str:
    said = loaded.said_of(key)
    return "default" if said is None else f"{said.origin} {said.place}".strip()


def _explanation_json(told: Explanation) -> dict[str, object]:
    return {
        "doc": told.info.doc,
        "hot": told.info.hot,
        "key": told.key,
        "layers": [
            {"origin": said.origin, "place": said.place, "value": _short(said.value)}
            for said in told.history
        ],
        "origin": told.origin,
        "range": told.info.range,
        "type": told.info.type,
        "value": told.value,
    }


def _short(value: object) -> str:
    text = format_value(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _echo_json(body: object) -> None:
    typer.echo(canonical_json(body).decode("ascii"), nl=False)
