"""What an import is going to do: which files, which symbols, on which grids, in which order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Protocol

from mmbot.errors import ConfigError, MarketDataError
from mmbot.market.catalog import find_symbol
from mmbot.market.importers.base import Format, Found, Grid
from mmbot.market.importers.registry import detect, format_named
from mmbot.market.importers.rows import StepFinder, steps_of
from mmbot.market.importers.sources import head, sha256_of, size_of
from mmbot.market.parts import Root

__all__ = [
    "Grids",
    "ImportOptions",
    "Recording",
    "Source",
    "inspect",
    "recordings_of",
    "resolve_grids",
]

Grids = dict[tuple[str, str], tuple[Grid, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """What the user said.

    `venue` chooses among the venues of a capture (``bybit``: all its markets, ``bybit-spot``: one)
    and names the venue of a file that does not say its own. `symbols` chooses likewise; empty takes
    all. `keep_recv` leaves the receive times as recorded, `accept_truncated` takes what a cut file
    holds.
    """

    out: str | Path
    venue: str | None = None
    symbols: tuple[str, ...] = ()
    format: str | None = None
    tick_size: str | None = None
    lot_size: str | None = None
    keep_recv: bool = False
    accept_truncated: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """One file, looked through."""

    path: str
    format: Format
    size_bytes: int
    sha256: str
    found: tuple[Found, ...]
    first_ns: int
    truncated: bool
    is_empty: bool = False
    """A segment of a recording to which nothing had come."""


@dataclass(frozen=True, slots=True)
class Recording:
    """Files that one set of decoders reads in a row."""

    sources: tuple[Source, ...]


class _Progress(Protocol):
    def begin(self, step: str, total_bytes: int) -> None: ...
    def advance(self, count: int) -> None: ...


def inspect(paths: Sequence[str], options: ImportOptions, progress: _Progress) -> list[Source]:
    """Hashes, tells the format of and scans every file.

    Raises:
        MarketDataError: ``E_REC_IMPORT`` for a file that is missing, empty, of no known format,
        cut, or without any of the symbols asked for.
    """
    sizes = {path: size_of(path) for path in paths}
    progress.begin("scan", 2 * sum(sizes.values()))
    sources: dict[str, Source] = {}
    for path, size_bytes in sizes.items():
        sha256 = sha256_of(path, progress.advance)
        if sha256 not in sources:
            sources[sha256] = _scan(path, size_bytes, sha256, options, progress.advance)
    found = list(sources.values())
    if all(source.is_empty for source in found):
        raise _nothing_in(found[0].path, 0, found[0].format, "no line has one")
    _check_symbols([source for source in found if not source.is_empty], options)
    return found


def resolve_grids(root: Root, sources: Sequence[Source], options: ImportOptions) -> Grids:
    """The grid of every symbol and where it came from.

    In order: the options, what a capture states, what the catalog holds, what fits the data.

    Raises:
        ConfigError: ``E_CFG_TYPE`` for a step that is not a positive decimal number.
        MarketDataError: ``E_REC_IMPORT`` when the catalog holds the symbol on another grid.
    """
    for name, text in (("tick-size", options.tick_size), ("lot-size", options.lot_size)):
        if text is not None:
            _check_step(name, text)
    by_series: dict[tuple[str, str], list[tuple[Source, Found]]] = {}
    for source in sources:
        for found in source.found:
            by_series.setdefault((found.venue, found.symbol), []).append((source, found))
    return {
        key: _resolved(root, key, members, options) for key, members in sorted(by_series.items())
    }


def recordings_of(sources: Sequence[Source]) -> list[Recording]:
    """Files of one recording together, in order of their first receive time; others alone."""
    recordings: list[Recording] = []
    together: dict[tuple[str, tuple[tuple[str, str], ...]], list[Source]] = {}
    for source in sources:
        if source.is_empty:
            continue
        if source.format.continues:
            series = tuple((found.venue, found.symbol) for found in source.found)
            together.setdefault((source.format.name, series), []).append(source)
        else:
            recordings.append(Recording((source,)))
    recordings.extend(
        Recording(tuple(sorted(members, key=lambda s: (s.first_ns, s.path))))
        for members in together.values()
    )
    return sorted(recordings, key=lambda recording: recording.sources[0].first_ns)


def _scan(
    path: str, size_bytes: int, sha256: str, options: ImportOptions, advance: Callable[[int], None]
) -> Source:
    first = head(path) if size_bytes else b""
    if not first.strip():
        raise MarketDataError("E_REC_IMPORT", f"file={path} line=0", "is empty")
    chosen = format_named(options.format) if options.format else detect(path, first)
    scanner = chosen.scanner(path)
    cut = False
    try:
        for block in chosen.read(path, advance):
            scanner.feed(block)
    except MarketDataError as error:
        if error.detail != "truncated" or not options.accept_truncated:
            raise _with_line(error, scanner.lines) from error
        cut = True
    found = [_named(item, options) for item in scanner.finish()]
    kept = tuple(item for item in found if _is_wanted(item, options))
    is_empty = not found and chosen.is_blank(path)
    if not found and not is_empty:
        line, reason = scanner.trouble or (scanner.lines, "no line has one")
        raise _nothing_in(path, line, chosen, reason)
    return Source(path, chosen, size_bytes, sha256, kept, scanner.first_ns, cut, is_empty)


def _nothing_in(path: str, line: int, chosen: Format, reason: str) -> MarketDataError:
    message = f"holds no book or trade that {chosen.name} can read: {reason}"
    return MarketDataError("E_REC_IMPORT", f"file={path} line={line}", message)


def _with_line(error: MarketDataError, lines: int) -> MarketDataError:
    key = error.key if " " in error.key else f"{error.key} line={lines}"
    return MarketDataError(error.code, key, error.message, detail=error.detail)


def _named(found: Found, options: ImportOptions) -> Found:
    """The symbol and venue under which a file that does not say them is stored."""
    symbols = [symbol.upper() for symbol in options.symbols]
    if not found.named and len(symbols) == 1:
        found = replace(found, symbol=symbols[0])
    if options.venue and not found.market:
        exchange, _, market = options.venue.lower().partition("-")
        found = replace(found, exchange=exchange, market=market)
    return found


def _is_wanted(found: Found, options: ImportOptions) -> bool:
    venue = (options.venue or "").lower()
    symbols = {symbol.upper() for symbol in options.symbols}
    return venue in {"", found.venue, found.exchange} and (
        not symbols or found.symbol.upper() in symbols
    )


def _check_symbols(sources: Sequence[Source], options: ImportOptions) -> None:
    """Every symbol asked for is in some file, and every file has some symbol asked for."""
    for source in sources:
        if not source.found:
            wanted = ", ".join((*options.symbols, *([options.venue] if options.venue else [])))
            raise MarketDataError(
                "E_REC_IMPORT", f"file={source.path} line=0", f"has no data of {wanted}"
            )
    present = {found.symbol.upper() for source in sources for found in source.found}
    missing = sorted({symbol.upper() for symbol in options.symbols} - present)
    if missing:
        raise MarketDataError(
            "E_REC_IMPORT", f"file={sources[0].path} line=0", f"has no data of {', '.join(missing)}"
        )


def _resolved(
    root: Root,
    key: tuple[str, str],
    members: Sequence[tuple[Source, Found]],
    options: ImportOptions,
) -> tuple[Grid, str]:
    held = _catalog_grid(root, key)
    stated = next((found.stated for _, found in members if found.stated is not None), None)
    inferred = _joint([found.inferred for _, found in members if found.inferred is not None])
    base, origin = (
        (stated, "stated in the capture")
        if stated is not None
        else (held, "as in the catalog")
        if held is not None
        else (inferred, "inferred from the data")
    )
    if options.tick_size or options.lot_size:
        origin = "given" if options.tick_size and options.lot_size else f"given, else {origin}"
    grid = Grid(
        _plain(options.tick_size or (base.tick_size if base else "1")),
        _plain(options.lot_size or (base.lot_size if base else "1")),
    )
    if held is not None and held != grid:
        raise MarketDataError(
            "E_REC_IMPORT",
            f"file={members[0][0].path} line=0",
            f"{'/'.join(key)} is in the catalog with tick {held.tick_size}, lot {held.lot_size}, "
            f"not {grid.tick_size} and {grid.lot_size}: choose another --out or give the grid",
        )
    if origin == "as in the catalog" and inferred is not None:
        _check_fits(members[0][0].path, key, grid, inferred)
    return grid, origin


def _check_fits(path: str, key: tuple[str, str], grid: Grid, inferred: Grid) -> None:
    for name in ("tick_size", "lot_size"):
        if steps_of(Decimal(getattr(inferred, name)), Decimal(getattr(grid, name))) is None:
            raise MarketDataError(
                "E_REC_IMPORT",
                f"file={path} line=0",
                f"{'/'.join(key)} needs {name} {getattr(inferred, name)}, the catalog has "
                f"{getattr(grid, name)}: import both together with --out elsewhere",
            )


def _catalog_grid(root: Root, key: tuple[str, str]) -> Grid | None:
    venue, symbol = key
    try:
        info = find_symbol(root.url, symbol=symbol, venue=venue)
    except MarketDataError as error:
        if error.code != "E_BT_NO_DATA":
            raise
        return None
    return Grid(info.tick_size, info.lot_size)


def _joint(grids: Sequence[Grid]) -> Grid | None:
    """The coarsest grid on which all of them lie."""
    if not grids:
        return None
    steps = []
    for name in ("tick_size", "lot_size"):
        finder = StepFinder()
        for grid in grids:
            finder.add(Decimal(getattr(grid, name)))
        steps.append(finder.step() or "1")
    return Grid(steps[0], steps[1])


def _check_step(name: str, text: str) -> None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal(0)
    if not value.is_finite() or value <= 0:
        raise ConfigError("E_CFG_TYPE", name, f"must be a positive decimal number: {text!r}")


def _plain(text: str) -> str:
    return format(Decimal(text).normalize(), "f")
