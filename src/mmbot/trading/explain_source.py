"""Reads no more of a journal than an explanation needs.

Checkpoints say in which part of the journal an order lived, and are where a replay begins. They are
believed as far as they can be checked: one that the journal has not the hash of, and a state that
another build wrote or that is damaged, is left aside with a log line, and the journal is read from
the checkpoint before it, at last from its beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from mmbot import core
from mmbot.errors import StoreError
from mmbot.store.journal import Checkpoints, JournalReader, Start

__all__ = ["ExplainSource", "Place"]

Place = tuple[int, int, int]
"""Instrument, first and last record of decisions; the last of them is the answer."""
Record = dict[str, Any]
_PARAMETERS: Final = ("params", "session_params")


class ExplainSource:
    """A journal, to be searched and replayed.

    Raises:
        StoreError: ``E_STORE_JOURNAL`` for a journal that no session has written, ``E_STORE_DISK``
        when it cannot be read; so do the methods.
    """

    def __init__(self, path: Path | str, on_bytes: Callable[[int], None] | None) -> None:
        self._reader = JournalReader(path)
        self._on_bytes = on_bytes
        self._checkpoints = Checkpoints(self._reader.path)
        self._index = self._checkpoints.index
        self.header = self._reader.header()

    def search_order(self, number: int) -> core.JournalSearch:
        """All requests about an order."""
        begin, end = map(self._start_of, self._index.of_order(number))
        at = None if begin is None else (begin.seq, begin.offset)
        until_seq = None if end is None else end.seq
        search = core.JournalSearch.order(number, start=at, until_seq=until_seq)
        self._reader.pour(search, self._on_bytes, start=begin)
        return search

    def search_moment(self, instrument: int, ts_ns: int) -> core.JournalSearch:
        """The last decision of an instrument at or before a local time."""
        begin = self._index.at(ts_ns)
        following = 0 if begin is None else begin + 1
        end = self._start_of(following if following < len(self._index) else None)
        until_seq = None if end is None else end.seq
        step = 1
        while begin is not None and (start := self._start_of(begin)) is not None:
            search = core.JournalSearch.at(
                instrument, ts_ns, start=(start.seq, start.offset), until_seq=until_seq
            )
            self._reader.pour(search, self._on_bytes, start=start)
            if search.is_complete():
                return search
            # twice as far each time: a long silence is not read again and again
            begin, step = (begin - step, 2 * step) if begin >= step else (None, step)
        search = core.JournalSearch.at(instrument, ts_ns, until_seq=until_seq)
        self._reader.pour(search, self._on_bytes)
        return search

    def traces(self, places: Sequence[Place]) -> dict[Place, Record | None]:
        """The steps of the decisions at `places`, which are in their order.

        Raises:
            StoreError: ``E_WHY_MISMATCH`` when the replay leads to other requests.
        """
        found: dict[Place, Record | None] = {}
        for begin, group in groupby(places, key=lambda place: self._index.before(place[1])):
            wanted = list(group)
            replay = self._replayed(begin, wanted)
            outcome = replay.outcome()
            if outcome["diff_seq"] is not None:
                raise StoreError(
                    "E_WHY_MISMATCH",
                    f"seq={outcome['diff_seq']}",
                    f"replayed {outcome['replayed']}, journalled {outcome['journalled']}",
                )
            found.update(zip(wanted, replay.explanations(), strict=True))
        return found

    def parameter_records(self, until_seq: int) -> Iterator[Record]:
        """Records of parameters up to record `until_seq`, in their order."""
        begin = self._index.before(until_seq)
        listed = None if begin is None else self._listed_records(begin)
        start = None if listed is None else self._start_of(begin)
        if listed is not None and start is not None:
            yield from listed
        else:
            start = None
        yield from self._reader.records(
            kinds=_PARAMETERS, start=start, until_seq=until_seq, on_bytes=self._on_bytes
        )

    def _start_of(self, checkpoint: int | None) -> Start | None:
        """Where a checkpoint stands in the journal; None if the journal does not say so, too."""
        if checkpoint is None:
            return None
        head = self._index.head(checkpoint)
        start = self._reader.start_of(*head.at)
        try:
            record = None if start is None else self._reader.record_at(start)
        except StoreError:
            record = None
        if record is None or (record["kind"], record.get("hash")) != ("state_hash", head.hash):
            _note("checkpoint_ignored", checkpoint=head.number, reason="the journal has another")
            return None
        return start

    def _replayed(self, begin: int | None, places: Sequence[Place]) -> core.JournalReplay:
        """A replay of what leads to `places`, from the last checkpoint that can be used."""
        until_seq = places[-1][2]
        foreign = 0
        for checkpoint in reversed(range(0 if begin is None else begin + 1)):
            head = self._index.head(checkpoint)
            if not head.is_of_this_build:
                foreign += 1
                continue
            replay = self._resumed(checkpoint, head, places, until_seq)
            if replay is not None:
                return replay
        if foreign:
            _note("checkpoints_ignored", reason="written by another build", count=foreign)
        replay = core.JournalReplay(until_seq=until_seq, places=places)
        self._reader.pour(replay, self._on_bytes)
        return replay

    def _resumed(
        self, checkpoint: int, head: core.CheckpointHead, places: Sequence[Place], until_seq: int
    ) -> core.JournalReplay | None:
        state = self._checkpoints.state(head)
        start = None if state is None else self._start_of(checkpoint)
        if start is None or state is None:
            return None
        try:
            replay = core.JournalReplay.resumed(
                head, state, offset=start.offset, until_seq=until_seq, places=places
            )
        except core.CoreError as exc:
            _note("checkpoint_ignored", checkpoint=head.number, reason=str(exc))
            return None
        self._reader.pour(replay, self._on_bytes, start=start)
        return replay

    def _listed_records(self, checkpoint: int) -> list[Record] | None:
        """Records of parameters before a checkpoint, from their places; None if not known."""
        places = self._index.params_before(checkpoint)
        starts = [self._reader.start_of(*place) for place in places or ()]
        found: list[Record] = []
        for start in starts:
            try:
                record = None if start is None else self._reader.record_at(start)
            except StoreError:
                return None
            if record is None or record["kind"] not in _PARAMETERS:
                return None
            found.append(record)
        return None if places is None else found


def _note(event: str, **fields: object) -> None:
    from mmbot.telemetry.logs import get_logger  # noqa: PLC0415 -- a third of a second, for nothing

    get_logger("why").warning(event, **fields)
