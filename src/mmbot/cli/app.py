"""The root of the command line: `mmbot COMMAND`.

Command groups are imported when they are used, so that ``mmbot --help`` is quick. Every error is
one line on stderr with exit code 1; a gate or verdict that is negative is exit code 2, which the
command itself returns.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, cast

import typer
from typer.core import TyperCommand, TyperGroup

from mmbot import __version__
from mmbot.errors import ConfigError, MmbotError, ascii_line

__all__ = ["app", "main", "run_cli"]

# Typer brings its own copy of click: its base classes are reached through a public member.
_ClickError: Final = cast("type[Exception]", typer.BadParameter.__mro__[2])


# Which extra brings a module that a command may miss.
_EXTRAS: Final[Mapping[str, str]] = {
    "aiohttp": "live",
    "ccxt": "ccxt",
    "optuna": "tune",
    "picows": "live",
    "psycopg": "postgres",
    "redis": "redis",
}


@dataclass(frozen=True, slots=True)
class _Entry:
    """A command group: the module whose `app` is it, and its line in the help."""

    module: str
    help: str


_COMMANDS: Final[Mapping[str, _Entry]] = {
    "run": _Entry("mmbot.cli.run", "Trade on the embedded market or on recorded data."),
    "status": _Entry("mmbot.cli.status", "The sessions of this host, every figure with its age."),
    "stop": _Entry("mmbot.cli.stop", "End a session in order, see its orders gone."),
    "reconcile": _Entry("mmbot.cli.reconcile", "The venue against our own records."),
    "doctor": _Entry("mmbot.cli.doctor", "Whether machine and account can trade; remedies."),
    "watchdog": _Entry("mmbot.cli.watchdog", "Cancel orders of a session that has died."),
    "record": _Entry("mmbot.cli.record", "Record a market without trading in it."),
    "backtest": _Entry("mmbot.cli.backtest", "Queue-aware backtests with gates."),
    "data": _Entry("mmbot.cli.data", "Import, list, check and generate market data."),
    "sim": _Entry("mmbot.cli.sim", "Score queue models, compare markets, book a balance."),
    "chaos": _Entry("mmbot.cli.chaos", "Sessions amid faults, rules judged at every event."),
    "risk": _Entry("mmbot.cli.risk", "Prove that a kill leaves no order."),
    "exchange": _Entry("mmbot.cli.exchange", "A local exchange that speaks Bybit v5."),
    "edge": _Entry("mmbot.cli.edge", "Where the money comes from and goes to."),
    "journal": _Entry("mmbot.cli.journal", "List journals of sessions, show their records."),
    "audit": _Entry("mmbot.cli.audit", "The chain of decisions: check it, copy a day of it."),
    "replay": _Entry("mmbot.cli.replay", "Run a journal through the core, compare its requests."),
    "why": _Entry("mmbot.cli.why", "Explain an order, or what was refused at a time."),
    "compare": _Entry("mmbot.cli.compare", "A session against the backtest of its own period."),
    "db": _Entry("mmbot.cli.db", "The SQL store: upgrade, check, ship, back up, export, copy."),
    "portfolio": _Entry("mmbot.cli.portfolio", "Spread the budget over symbols; fee tiers."),
    "soak": _Entry("mmbot.cli.soak", "Long unattended runs, auto-tuning, their reports and gates."),
    "ops": _Entry("mmbot.cli.ops", "Figures of sessions, for whoever keeps them running."),
    "config": _Entry("mmbot.cli.config", "Show, check, explain and roll back the configuration."),
    "profile": _Entry("mmbot.cli.profile", "Apply a profile of quoting parameters."),
}


class _LazyGroup(TyperGroup):
    """Knows the names of its commands; imports one when it is called."""

    _listing = False

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401, ARG002 -- Typer's own type
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401, ARG002
        entry = _COMMANDS.get(cmd_name)
        if entry is None:
            return None
        if self._listing:
            return TyperCommand(cmd_name, help=entry.help)
        command = typer.main.get_command(importlib.import_module(entry.module).app)
        command.name = cmd_name
        return command

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401
        self._listing = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._listing = False


app = typer.Typer(
    name="mmbot",
    cls=_LazyGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Market making for crypto exchanges: one decision core from backtest to live.",
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "mmbot run  (trade on the embedded market; Ctrl-C ends with a report)\n\n"
        "mmbot run --headless --speed max --duration 5m --seed 1\n\n"
        "mmbot data import --help\n\n"
        "mmbot config explain strategy.order_ttl_ms"
    ),
)


def _print_version(*, value: bool) -> None:
    if value:
        typer.echo(f"mmbot {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=lambda value: _print_version(value=value),
            is_eager=True,
            help="Show the version and exit.",
        ),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Entry point of the console script."""
    sys.exit(run_cli(sys.argv[1:]))


def run_cli(args: Sequence[str]) -> int:
    """Run one command line; return its exit code. Never raises."""
    try:
        code = typer.main.get_command(app).main(
            args=list(args), prog_name="mmbot", standalone_mode=False
        )
    except (typer.Abort, KeyboardInterrupt):
        return _fail("interrupted")
    except BrokenPipeError:
        # The reader (`| head`) has gone; nothing more can be said to it.
        sys.stderr.close()
        return 1
    except MmbotError as exc:
        return _fail(str(exc))
    except _ClickError as exc:
        return _fail(str(_usage(exc)))
    except Exception as exc:  # noqa: BLE001 -- the outermost frame: one line, whatever happened
        return _fail(_unexpected(exc))
    return code if isinstance(code, int) else 0


def _fail(line: str) -> int:
    sys.stderr.write(ascii_line(line) + "\n")
    return 1


def _usage(exc: BaseException) -> ConfigError:
    """What the parser refused, in the form of all errors."""
    kind = type(exc).__name__
    message = getattr(exc, "message", None) or str(exc)
    name = getattr(exc, "option_name", None) or _parameter_name(exc)
    if kind == "NoSuchOption":
        near = getattr(exc, "possibilities", None) or []
        hint = f"; did you mean {', '.join(sorted(near))}?" if near else ""
        return ConfigError("E_CFG_UNKNOWN_KEY", str(name), f"is not an option{hint}")
    if kind == "MissingParameter":
        return ConfigError("E_CFG_MISSING", name, "must be given")
    return ConfigError("E_CFG_TYPE", name or "command line:", message.strip().rstrip("."))


def _parameter_name(exc: BaseException) -> str:
    param = getattr(exc, "param", None)
    if param is None:
        return str(getattr(exc, "param_hint", None) or "")
    options = [name for name in getattr(param, "opts", []) if name.startswith("--")]
    return options[0] if options else str(getattr(param, "name", "")).upper()


def _unexpected(exc: Exception) -> str:
    """The core's errors carry a code, a missing module may be an extra's; else it is our defect."""
    if os.environ.get("LOG_LEVEL", "").upper() == "DEBUG":
        traceback.print_exc()
    if getattr(exc, "code", None) and getattr(exc, "key", None) is not None:
        return str(exc)
    missing = (exc.name or "").partition(".")[0] if isinstance(exc, ModuleNotFoundError) else ""
    if missing in _EXTRAS:
        return f"E_CFG_MISSING: {missing} is not installed: pip install 'mmbot[{_EXTRAS[missing]}]'"
    detail = f"{type(exc).__name__}: {exc}"
    return f"E_EXEC_FATAL: {detail} (a defect; LOG_LEVEL=DEBUG shows where)"
