"""A live session's journal and core: the interrupted session goes on, or a new one begins.

A session that ended in order is over. One that did not (it was killed, or stopped with its orders
kept) goes on behind its journal with its id, its orders and its positions, provided that it was of
this bot and traded the same instruments. The torn end of the journal is cut first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmbot import core
from mmbot.errors import StoreError
from mmbot.store.journal import CheckpointWriter, JournalReader, JournalWriter, list_sessions
from mmbot.store.journal.checkpoints import Checkpoints
from mmbot.store.journal.segments import SUFFIX
from mmbot.trading.identity import SessionIdentity
from mmbot.trading.live.recall import OVERLAP_NS, Recalled
from mmbot.trading.live.remembering import has_ended, remember, usable_checkpoints

__all__ = ["Beginning", "Opened", "Wanted", "interrupted_session", "open_session"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The session that is wanted.

    Attributes:
        journal_dir: where journals lie.
        fsync_ms: as of `JournalWriter`.
        bot_prefix: what client order ids of the bot begin with.
        mode: of the session.
        instruments: in the session's order.
        hash_every_ns: market time between two hashes of the state.
        strategy: in Python, if one was asked for.
        goes_on: whether an interrupted session goes on; one whose orders died with it does not.
    """

    journal_dir: Path
    fsync_ms: int
    bot_prefix: str
    mode: str
    instruments: Sequence[core.Instrument]
    hash_every_ns: int
    strategy: Callable[[dict[str, Any]], Sequence[tuple[str, float, float]]] | None = None
    goes_on: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """What a new session begins with: identity, header of its journal, parameters by symbol."""

    identity: SessionIdentity
    header: Mapping[str, Any]
    params: Sequence[Mapping[str, Any]]
    session: Mapping[str, Any]
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A session with its journal open for appending.

    `torn_records` were cut from its end; `damaged_checkpoints` could not be begun with.
    """

    core: core.LiveSession
    writer: JournalWriter
    checkpoints: CheckpointWriter
    recalled: Recalled
    identity: SessionIdentity
    is_resumed: bool
    torn_records: int
    damaged_checkpoints: int = 0


def interrupted_session(wanted: Wanted) -> Path | None:
    """The newest journal of the bot in this mode, if its session did not end in order.

    Raises:
        StoreError: that journal is damaged: nobody may trade on without knowing what it holds.
    """
    newest: tuple[int, Path] | None = None
    for path in list_sessions(wanted.journal_dir):
        begun_ns = (path / f"0{SUFFIX}").stat().st_mtime_ns
        header = _header_of(path)
        if header is not None:
            is_ours = header["cid_prefix"].startswith(wanted.bot_prefix)
            if header["mode"] != wanted.mode or not is_ours:
                continue
            begun_ns = max(begun_ns, int(header["ts_ns"]))
        elif not _has_begun(path):
            continue  # `mmbot journal ls` shows it
        newest = max(newest or (0, path), (begun_ns, path))
    if newest is None:
        return None
    return None if has_ended(newest[1]) else newest[1]


def _header_of(path: Path) -> Mapping[str, Any] | None:
    """The header; None for one that cannot be read: then nobody knows whose the journal is."""
    try:
        return JournalReader(path).header()
    except StoreError:
        return None


def _has_begun(path: Path) -> bool:
    """False for a session that was killed before its header was whole."""
    try:
        return any(True for _ in JournalReader(path).records())
    except StoreError:
        return True


def open_session(
    wanted: Wanted, begin: Callable[[], Beginning], *, now_ns: int, log: Callable[[str], None]
) -> Opened:
    """Go on with the interrupted session, or begin a new one.

    Raises:
        StoreError: ``E_STORE_JOURNAL`` for a damaged journal, or one that another process writes;
        ``E_STORE_DISK``.
    """
    path = interrupted_session(wanted) if wanted.goes_on else None
    if path is not None:
        header = JournalReader(path).header()
        if _instruments_of(header) == [_grid(one) for one in wanted.instruments]:
            opened, from_seq = _resume(path, header, wanted, now_ns)
            log(f"| session | RESUMED | session={path.name} from_seq={from_seq} |")
            return opened
        log(f"| recovery | WARN | session {path.name} traded other instruments: a new one begins |")
    return _begin(wanted, begin())


def _begin(wanted: Wanted, beginning: Beginning) -> Opened:
    session = core.LiveSession(
        list(wanted.instruments),
        list(beginning.params),
        beginning.session,
        journal=beginning.header,
        seed=beginning.seed,
        strategy=wanted.strategy,
        record=True,
    )
    identity = beginning.identity
    writer = JournalWriter(wanted.journal_dir, identity.session, fsync_ms=wanted.fsync_ms)
    started_ns = int(beginning.header["ts_ns"])
    return Opened(
        core=session,
        writer=writer,
        checkpoints=CheckpointWriter(writer.path),
        recalled=Recalled(
            symbols=identity.symbols,
            cid_prefix=identity.cid_prefix,
            started_ns=started_ns,
            since_ns=started_ns - OVERLAP_NS,
            last_ns=started_ns,
        ),
        identity=identity,
        is_resumed=False,
        torn_records=0,
    )


def _resume(
    path: Path, header: Mapping[str, Any], wanted: Wanted, now_ns: int
) -> tuple[Opened, int]:
    """The session, and the record from which its core was rebuilt."""
    # The writer comes first: it keeps others out and cuts the torn end.
    writer = JournalWriter(wanted.journal_dir, path.name, fsync_ms=wanted.fsync_ms)
    try:
        reader = JournalReader(path)
        replay, from_seq, damaged = _replayed(reader, path)
        journal_bytes = sum(segment.stat().st_size for segment in reader.segments)
        checkpoints = CheckpointWriter(path, journal_bytes=journal_bytes)
        session = core.LiveSession.resume(
            replay,
            now_ns=now_ns,
            offset=journal_bytes,
            cid_prefix=header["cid_prefix"],
            hash_every_ns=wanted.hash_every_ns,
            next_checkpoint=checkpoints.next_number,
            strategy=wanted.strategy,
            record=True,
        )
        recalled = remember(path)
    except core.CoreError as exc:
        writer.close()
        raise StoreError("E_STORE_JOURNAL", f"file={path}", f"cannot go on: {exc}") from exc
    except BaseException:
        writer.close()
        raise
    opened = Opened(
        core=session,
        writer=writer,
        checkpoints=checkpoints,
        recalled=recalled,
        identity=SessionIdentity(
            session=path.name,
            cid_prefix=header["cid_prefix"],
            cfg_hash="",
            symbols=recalled.symbols,
            bot_prefix=wanted.bot_prefix,
        ),
        is_resumed=True,
        torn_records=writer.metrics.torn_records_total,
        damaged_checkpoints=damaged,
    )
    return opened, from_seq


def _replayed(reader: JournalReader, path: Path) -> tuple[core.JournalReplay, int, int]:
    """The journal through the core, from its newest checkpoint that can be used.

    Returns:
        What was read; from which record; checkpoints that could not be used.
    """
    for one in usable_checkpoints(reader, path):
        try:
            replay = core.JournalReplay.resumed(one.head, one.state, offset=one.start.offset)
            reader.pour(replay, start=one.start)
        except (core.CoreError, StoreError):
            continue  # it serves speed alone; the journal is read from further back
        return replay, one.start.seq, _passed_over(path, one.head)
    replay = core.JournalReplay()
    reader.pour(replay)
    return replay, 0, _passed_over(path, None)


def _passed_over(path: Path, used: core.CheckpointHead | None) -> int:
    """Checkpoints of this build that are newer than the one that was used, or cut."""
    checkpoints = Checkpoints(path)
    index, count = checkpoints.index, int(checkpoints.is_cut)
    for at in reversed(range(len(index))):
        head = index.head(at)
        if used is not None and head.ts_ns <= used.ts_ns:
            break
        count += head.is_of_this_build
    return count


def _instruments_of(header: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    return [(one["symbol"], one["tick_size"], one["lot_size"]) for one in header["instruments"]]


def _grid(instrument: core.Instrument) -> tuple[str, str, str]:
    return instrument.symbol, instrument.tick_size, instrument.lot_size
