"""Source files as blocks of plain bytes: gzip, zstd, zip or nothing, told by the first bytes.

Names say nothing: captures are renamed and re-compressed at will.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Final, Protocol

import fsspec

from mmbot.errors import MarketDataError
from mmbot.market import zstd

__all__ = ["BLOCK_BYTES", "OnBytes", "blocks", "head", "sha256_of", "size_of", "truncated"]

# Large enough that the cost per block vanishes, small enough to stay in the cache of one core.
BLOCK_BYTES: Final = 1 << 20
_HEAD_BYTES: Final = 64 << 10
OnBytes = Callable[[int], None]


def _nobody(_: int) -> None:
    """Progress that nobody watches."""


def size_of(path: str) -> int:
    """Bytes of a source file.

    Raises:
        MarketDataError: ``E_REC_IMPORT`` if there is no such file.
    """
    fs, name = fsspec.core.url_to_fs(path)
    try:
        size = fs.size(name)
    except OSError as exc:
        raise _unreadable(path, exc) from exc
    if fs.isdir(name):
        raise MarketDataError("E_REC_IMPORT", f"file={path} line=0", "is a directory")
    return int(size or 0)


def sha256_of(path: str, on_bytes: OnBytes = _nobody) -> str:
    """SHA-256 of a source file as it stands."""
    digest = hashlib.sha256()
    with _open(path) as file:
        while block := _read(file, path):
            digest.update(block)
            on_bytes(len(block))
    return digest.hexdigest()


def head(path: str) -> bytes:
    """The first plain bytes, at most 64 KiB; what is there of a damaged file."""
    found = bytearray()
    try:
        for block in blocks(path):
            found += block
            if len(found) >= _HEAD_BYTES:
                break
    except MarketDataError:
        if not found:
            raise
    return bytes(found[:_HEAD_BYTES])


def blocks(path: str, on_bytes: OnBytes = _nobody) -> Iterator[bytes]:
    """The plain bytes of a source file; `on_bytes` is told the stored bytes as they are used.

    Raises:
        MarketDataError: ``E_REC_IMPORT`` with the detail ``truncated`` when a compressed file ends
        early; everything before has been given out.
    """
    with _open(path) as raw:
        counted = _Counted(raw, on_bytes)
        magic = raw.read(4)
        raw.seek(0)
        if magic[:2] == b"\x1f\x8b":
            yield from _unpack(counted, path, _gzip)
        elif magic == b"\x28\xb5\x2f\xfd":
            yield from _unpack(counted, path, _zstd)
        elif magic == b"PK\x03\x04":
            yield from _unzip(counted, path)
        else:
            while block := counted.read(BLOCK_BYTES):
                yield block


def truncated(path: str, reason: str) -> MarketDataError:
    """The error for a file that ends early; whoever counts lines adds the line."""
    return MarketDataError("E_REC_IMPORT", f"file={path}", reason, detail="truncated")


class _Counted(io.RawIOBase):
    """A file that tells how far it was read; decompressors see nothing else."""

    def __init__(self, file: IO[bytes], on_bytes: OnBytes) -> None:
        super().__init__()
        self._file = file
        self._on_bytes = on_bytes

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
        block = self._file.read(size)
        self._on_bytes(len(block))
        return block

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        block = self.read(len(buffer))
        buffer[: len(block)] = block
        return len(block)


class _Unpacker(Protocol):
    """One compressed stream; a file may hold several, one after the other."""

    @property
    def eof(self) -> bool:
        """The stream is complete."""

    @property
    def unused_data(self) -> bytes:
        """What follows it."""

    def decompress(self, data: bytes, /) -> bytes:
        """The plain bytes of the next packed ones."""


def _gzip() -> _Unpacker:
    return zlib.decompressobj(zlib.MAX_WBITS | 16)


def _zstd() -> _Unpacker:
    return zstd.ZstdDecompressor()


def _unpack(file: io.RawIOBase, path: str, begin: Callable[[], _Unpacker]) -> Iterator[bytes]:
    """Stream by stream and block by block, so that a cut file gives all that it holds."""
    unpacker = begin()
    # What comes out of a block is many times its size.
    while packed := file.read(BLOCK_BYTES // 8):
        while packed:
            if unpacker.eof:
                unpacker = begin()
            try:
                block = unpacker.decompress(packed)
            except (zlib.error, zstd.ZstdError) as exc:
                raise truncated(path, f"is damaged: {exc}") from exc
            # Writers of gzip may pad the end with zeros.
            packed = unpacker.unused_data.lstrip(b"\0") if unpacker.eof else b""
            if block:
                yield block
    if not unpacker.eof:
        raise truncated(path, "ends early: the compressed data are cut")


def _member(file: IO[bytes], path: str) -> Iterator[bytes]:
    while True:
        try:
            block = file.read(BLOCK_BYTES)
        except (EOFError, zipfile.BadZipFile, zlib.error, OSError) as exc:
            raise truncated(path, f"is damaged: {exc}") from exc
        if not block:
            return
        yield block


def _unzip(file: _Counted, path: str) -> Iterator[bytes]:
    try:
        with zipfile.ZipFile(file) as archive:
            for name in sorted(archive.namelist()):
                with archive.open(name) as member:
                    yield from _member(member, path)
    except zipfile.BadZipFile as exc:
        raise truncated(path, f"is not a complete archive: {exc}") from exc


def _open(path: str) -> IO[bytes]:
    try:
        file: IO[bytes] = fsspec.open(path, "rb").open()
    except OSError as exc:
        raise _unreadable(path, exc) from exc
    return file


def _read(file: IO[bytes], path: str) -> bytes:
    try:
        return file.read(BLOCK_BYTES)
    except OSError as exc:
        raise _unreadable(path, exc) from exc


def _unreadable(path: str, exc: OSError) -> MarketDataError:
    reason = exc.strerror or type(exc).__name__
    return MarketDataError("E_REC_IMPORT", f"file={path} line=0", f"cannot be read: {reason}")
