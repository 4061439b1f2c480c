"""The parts that a raw format is made of; `job` puts them together.

A format is told by the first bytes of a file. Its scanner finds which symbols a file holds and on
which grids; its decoder turns blocks of the file into rows of one symbol, and never stops at a bad
one: a bad row is a `Reject`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import pyarrow as pa

from mmbot.market.importers.sources import OnBytes, blocks

__all__ = ["Block", "Counts", "Decoder", "Format", "Found", "Grid", "Reject", "Scanner"]

# What a file is read as: plain bytes, or tables where the format is columnar itself.
Block: TypeAlias = "bytes | pa.Table"


@dataclass(frozen=True, slots=True)
class Grid:
    """Steps of price and size as decimal texts."""

    tick_size: str
    lot_size: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A symbol that a file holds.

    `key` is what the decoder is asked for; `named` is false when the file does not say its symbol,
    so that the user may. `stated` is the grid that the file itself states (an instruments answer
    inside of a capture), `inferred` the coarsest one that fits the data. `contract_size` is in
    quote currency for inverse contracts, in base currency for others, None if the file does not
    say.
    """

    exchange: str
    market: str
    symbol: str
    key: str
    stated: Grid | None = None
    inferred: Grid | None = None
    contract_size: str | None = None
    named: bool = True

    @property
    def venue(self) -> str:
        """Name of the venue in the catalog: exchange and market."""
        return f"{self.exchange}-{self.market}" if self.market else self.exchange


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that was left out: where it stands, why, under which code, and its text."""

    line: int
    offset: int
    reason: str
    code: str
    raw: str


@dataclass(frozen=True, slots=True)
class Counts:
    """What a decoder met.

    `rounded` are sizes between two lots, rounded down; `reconnects` are connections lost while the
    book was usable; `ignored` are book frames that came while it was not.
    """

    frames: int = 0
    gaps: int = 0
    crossed: int = 0
    duplicates: int = 0
    out_of_order: int = 0
    rounded: int = 0
    reconnects: int = 0
    ignored: int = 0


class Scanner(Protocol):
    """Finds the symbols of a file."""

    @property
    def lines(self) -> int:
        """Lines (or rows) seen so far, for error messages."""

    @property
    def first_ns(self) -> int:
        """First receive time, which orders the files of a recording; 0 if unknown."""

    @property
    def trouble(self) -> tuple[int, str] | None:
        """The first bad line and what is wrong with it, if nothing was found because of it."""

    def feed(self, block: Block) -> None:
        """Takes the next block."""

    def finish(self) -> list[Found]:
        """What was found, sorted by venue and symbol."""


class Decoder(Protocol):
    """Turns blocks into rows of one symbol; goes over file borders of one recording."""

    def feed(self, block: Block) -> None:
        """Takes the next block; a line may be cut by its end."""

    def end_file(self, *, last: bool) -> None:
        """The file ends here; unless it is the last one, the recording goes on in another."""

    def take_book(self) -> pa.Table:
        """Rows of stream `book` since the last call, times as the source states them."""

    def take_trades(self) -> pa.Table:
        """Rows of stream `trades` since the last call."""

    def take_rejects(self) -> list[Reject]:
        """Bad rows since the last call; line and offset count from the start of the file."""

    def counts(self) -> Counts:
        """Counters since the start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One raw format.

    `continues` says that a recording may go over several files: a book at the end of one goes on in
    the next. `has_receive_time` is false where the source has no receive times; the venue's times
    stand in for them, so that the feed latency is 0. `joins_lines` says that a book message may
    go over several lines. `is_blank` says whether nothing had come to a sound file.
    """

    name: str
    summary: str
    exchange: str
    continues: bool
    has_receive_time: bool
    joins_lines: bool = False
    is_blank: Callable[[str], bool] = lambda _path: False
    matches: Callable[[bytes], bool]
    scanner: Callable[[str], Scanner]
    decoder: Callable[[str, Found, Grid], Decoder]
    read: Callable[[str, OnBytes], Iterator[Block]] = blocks
