"""Finds the lines of a file that left a book crossed or locked, for the side file.

Decoders leave such a frame out, mark a gap and count it; they do not say where it stood. It is
rare, so the file is decoded once more only when it happened, a line at a time.
"""

from __future__ import annotations

from collections.abc import Iterator

from mmbot.market.importers.base import Block, Decoder, Reject

__all__ = ["locate_crossed"]

_RAW_LIMIT = 4096


def locate_crossed(
    decoder: Decoder,
    *,
    earlier: Iterator[Block],
    blocks: Iterator[Block],
    joins_lines: bool,
    count: int,
) -> list[Reject]:
    """The first `count` lines of `blocks` after which the decoder has counted a crossed book.

    Args:
        decoder: a fresh one.
        earlier: blocks of the files before, which only set the state of the book.
        blocks: blocks of the file.
        joins_lines: whether a message goes over several lines, so that it is complete only when
            the next one begins.
        count: how many there are.
    """
    for block in earlier:
        decoder.feed(block)
        _drop(decoder)
    found: list[Reject] = []
    before = decoder.counts().crossed
    previous = (0, b"")
    for number, line in enumerate(_lines(blocks), 1):
        decoder.feed(line)
        _drop(decoder)
        crossed = decoder.counts().crossed
        if crossed > before:
            before = crossed
            found.append(_reject(previous if joins_lines else (number, line)))
            if len(found) == count:
                return found
        previous = (number, line)
    decoder.end_file(last=True)
    if decoder.counts().crossed > before:
        found.append(_reject(previous))
    return found


def _drop(decoder: Decoder) -> None:
    """What was decoded is known already."""
    decoder.take_book()
    decoder.take_trades()
    decoder.take_rejects()


def _reject(at: tuple[int, bytes]) -> Reject:
    number, line = at
    return Reject(
        line=number,
        offset=0,
        reason="the book is crossed or locked after this row",
        code="E_MD_CROSSED",
        raw=line[:_RAW_LIMIT].strip().decode("ascii", "backslashreplace"),
    )


def _lines(blocks: Iterator[Block]) -> Iterator[bytes]:
    """Whole lines with their ends; other blocks than bytes have no lines."""
    rest = b""
    for block in blocks:
        if not isinstance(block, bytes):
            return
        *pieces, rest = (rest + block).split(b"\n")
        for piece in pieces:
            yield piece + b"\n"
    if rest:
        yield rest
