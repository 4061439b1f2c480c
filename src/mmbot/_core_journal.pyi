"""Journals in the private Rust extension: a part of the stub of `mmbot._core`."""

from collections.abc import Sequence
from typing import Any, final

from mmbot._core import CoreError, EventChunk

class JournalError(CoreError):
    """Journal bytes are damaged: `code` is E_STORE_JOURNAL, `offset` the offending byte, `message`
    what is wrong.
    """

    offset: int
    message: str

@final
class JournalFramer:
    """Numbers and frames records: dictionaries in, bytes for a segment out.

    A record is a dictionary as `JournalDecoder.take` gives it, see docs/journal.md for the keys of
    each kind; `seq` is ignored.
    """

    def __new__(cls, next_seq: int = 0) -> JournalFramer:
        """`next_seq`: the number of the first record, 0 in a new session."""
    def push(self, record: dict[str, Any]) -> int:
        """Frames a record and returns its number. CoreError E_STORE_TYPE names a field that is
        missing or wrong, JournalError tells that the record is too long; nothing was framed.
        """
    def push_rows(self, instrument: int, chunk: EventChunk) -> None:
        """Frames the rows of a chunk in the order of reception, in as many records as needed."""
    def take(self) -> bytes:
        """Bytes since the last call."""
    @property
    def next_seq(self) -> int: ...

@final
class JournalDecoder:
    """Reads one segment: blocks of any size in, records out. Holds one frame beside what was fed
    last.
    """

    def __new__(cls, next_seq: int | None = None, offset: int = 0) -> JournalDecoder:
        """`next_seq`: the number that the first record must have; None accepts any. `offset`: where
        in the segment it begins.
        """
    def feed(self, data: bytes) -> None:
        """Takes the next bytes of the segment."""
    def skip(self) -> None:
        """Passes over the whole frames that were fed: lengths, checksums and numbers are checked,
        records are counted but not decoded. The GIL is released. Raises JournalError.
        """
    def take(
        self,
        max_records: int,
        *,
        kinds: Sequence[str] | None = None,
        from_seq: int = 0,
        rows: bool = False,
    ) -> list[dict[str, Any]]:
        """Next records of what was fed, at most `max_records`; fewer if more input is needed.

        Records of other kinds and with smaller numbers are checked and left out. `rows` adds the
        rows themselves to market rows, as `columns` (flags uint8; px, qty, ts_exch, ts_local
        int64). Raises JournalError at damage, after the records before it have been taken.
        """
    def finish(self) -> int | None:
        """End of the segment: offset of a torn tail, or None if it ends with a whole frame.

        Call it when `skip` or `take` give nothing more. Raises JournalError if what looks torn is
        a frame with a damaged length.
        """
    def counts(self) -> dict[str, int]:
        """Records passed so far, by kind."""
    @property
    def offset(self) -> int:
        """Offset behind the last whole frame that was passed."""
    @property
    def next_seq(self) -> int | None:
        """The number that must come next."""

@final
class JournalReplay:
    """Feeds the blocks of a journal, from its beginning, to a new core and compares what it asks
    for with the intents, and the hashes of its state with those journalled.
    """

    def __new__(
        cls,
        *,
        until_seq: int | None = None,
        places: Sequence[tuple[int, int, int]] = ...,
        record: bool = False,
    ) -> JournalReplay:
        """`until_seq`: the last record that counts; requests that it led to are still compared.
        `places`: decisions to trace, ascending, each instrument, first and last record. `record`
        keeps fills and order events for whoever goes on from it (`LiveSession.resume`).
        """
    @staticmethod
    def resumed(
        head: CheckpointHead,
        state: bytes,
        *,
        offset: int,
        until_seq: int | None = None,
        places: Sequence[tuple[int, int, int]] = ...,
    ) -> JournalReplay:
        """Goes on from a checkpoint instead: what is fed first is its record, at `offset` of its
        segment. CoreError E_STORE_JOURNAL for a state that nothing may start from.
        """
    def feed(self, data: bytes) -> bool:
        """Takes the next bytes; True if more are wanted. The GIL is released. Raises JournalError
        at damage, CoreError E_STORE_JOURNAL for a journal that no session has written.
        """
    def end_segment(self) -> int | None:
        """End of a segment: offset of a torn tail, or None."""
    def outcome(self) -> dict[str, Any]:
        """`events`, `actions` (requests as journalled), `hash` of the state, `diff_seq` (None: no
        difference), and what was `replayed` and `journalled` there, as text.
        """
    def explanations(self) -> list[dict[str, Any] | None]:
        """For each place passed `ts_ns` (None if nothing was decided) and `steps`: `step`, `side`,
        `level`, `fields`. Prices in quote currency, quantities in base currency.
        """
    @property
    def done(self) -> bool:
        """Nothing more is wanted."""

@final
class JournalFollow:
    """Tells what happened to orders and accounts in a journal that is fed from its beginning,
    whichever build wrote it: nothing is decided again.
    """

    def __new__(cls, *, mark_every_ns: int) -> JournalFollow:
        """`mark_every_ns`: market time between two marks of the accounts."""
    def feed(self, data: bytes) -> None:
        """Takes the next bytes of the journal; what they tell waits for `take`."""
    def take(self, max: int) -> list[dict[str, Any]]:
        """What was told since the last call, in its order.

        About `max` things at most; fewer if more input is needed. The GIL is released. Each names
        its `kind` and its record `seq`:

        - `header`, `params`, `start`, `note`, `session_end`: records as `JournalDecoder.take` gives
          them;
        - `order`: `ts_ns`, `instrument`, `number` (of the order in the session), `event`
          (intent_place, intent_amend, intent_cancel, ack, reject, amended, canceled, unknown,
          fill), `px` (ticks), `qty` (lots), `cause`, `latency_ns`; `order`, if it is known, with
          `side`, `color`, `px`, `total`, `post_only`, `state`, `filled`, `notional` (quanta),
          `created_ns`, `done_ns`, `done_reason`; `fill` of a fill with `px` (1/10,000 tick), `qty`,
          `cum_qty`, `maker`, `fee` (quanta), `ts_exch_ns`, `mid` (1/10,000 tick);
        - `markout`: `instrument`, `number`, `cum_qty`, `horizon_ms`, `mid`, `bps_e4`;
        - `mark`: `ts_ns` and `mids` of all instruments, 1/10,000 tick, None without one.

        Raises JournalError at damage, CoreError E_STORE_JOURNAL for a journal that no session has
        written.
        """
    def end_segment(self) -> int | None:
        """End of a segment: offset of a torn tail, or None."""
    @property
    def next_seq(self) -> int:
        """The record that must come next."""

@final
class JournalSearch:
    """Looks in the blocks of a journal, from its beginning, for the decision behind an order, or
    for the last one at or before a moment.
    """

    @staticmethod
    def order(
        number: int, *, start: tuple[int, int] | None = None, until_seq: int | None = None
    ) -> JournalSearch:
        """The order with this number in the session. `start`: the first record that is fed, with
        its offset in its segment; `until_seq`: the last one that is looked at.
        """
    @staticmethod
    def at(
        instrument: int,
        ts_ns: int,
        *,
        start: tuple[int, int] | None = None,
        until_seq: int | None = None,
    ) -> JournalSearch:
        """An instrument at local time `ts_ns`."""
    def feed(self, data: bytes) -> bool:
        """Takes the next bytes; True if more are wanted. The GIL is released. Raises
        JournalError.
        """
    def end_segment(self) -> int | None:
        """End of a segment: offset of a torn tail, or None."""
    def place(self) -> tuple[int, int, int] | None:
        """Instrument, first and last record of the decisions that answer, if there is one."""
    def is_complete(self) -> bool:
        """What comes before the first record cannot change the answer."""
    def requests(self) -> list[dict[str, Any]]:
        """All requests about the order: `seq`, `cause_seq` and `trigger` (the record that led to
        it), `instrument`, `ts_ns`, `cause`, `full_cid`, `action`, `side`, `px_ticks`, `qty_lots`.
        """

@final
class Checkpoint:
    """The state of a running session, to be written beside its journal."""

    @property
    def ts_ns(self) -> int:
        """Market time."""
    @property
    def state(self) -> bytes:
        """The state; only the same build reads it."""
    def head(self, *, file: int, offset: int) -> bytes:
        """The frame of its head, once the state is at `offset` of `file`."""

@final
class CheckpointHead:
    """What is known of a checkpoint that was read."""

    @property
    def number(self) -> int:
        """Checkpoints of the session before it."""
    @property
    def is_of_this_build(self) -> bool:
        """Its state can be read."""
    @property
    def at(self) -> tuple[int, int]:
        """The record of the hash of its state, and where it begins, counted over all segments."""
    @property
    def ts_ns(self) -> int:
        """Market time."""
    @property
    def hash(self) -> int:
        """Hash of its state."""
    @property
    def state(self) -> tuple[int, int, int]:
        """File, offset and length of its state."""

@final
class CheckpointIndex:
    """All heads of a session, and which of its checkpoints to begin with."""

    def __new__(cls, data: bytes) -> CheckpointIndex:
        """The heads of a file, as far as they are whole."""
    def __len__(self) -> int: ...
    def head(self, at: int) -> CheckpointHead:
        """The head of a checkpoint; CoreError E_STORE_TYPE if there is none."""
    def kept(self, journal_bytes: int) -> tuple[int, int]:
        """How many of the first heads are of use of a journal of this length, and where the last of
        them ends in `data`: a crash may have cut what the others stand for.
        """
    def before(self, seq: int) -> int | None:
        """The last one before record `seq`."""
    def at(self, ts_ns: int) -> int | None:
        """The last one at or before a market time."""
    def of_order(self, number: int) -> tuple[int | None, int | None]:
        """Those between which all requests about an order are; None is the beginning of the
        journal, and its end.
        """
    def params_before(self, at: int) -> list[tuple[int, int]] | None:
        """Numbers and places of the records of parameters before one; None if not known."""

def journal_counts(data: bytes, next_seq: int | None) -> dict[str, int]:
    """Records by kind of framed bytes that begin with number `next_seq` (None: any) and end with a
    whole frame; JournalError otherwise.
    """

def journal_kinds() -> list[str]:
    """Names of all kinds of records."""
