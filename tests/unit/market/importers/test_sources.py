import gzip
import io
import sys
import zipfile
from collections.abc import Callable

import pytest

from mmbot.errors import MarketDataError
from mmbot.market.importers.sources import blocks, head, sha256_of, size_of

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PLAIN = b"".join(b"line %d of some text\n" % i for i in range(200_000))


def zipped(data):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.data", data[:1_000_000])
        archive.writestr("b.data", data[1_000_000:])
    return buffer.getvalue()


def framed_zstd(data):
    half = len(data) // 2
    return b"".join(zstd.compress(part) for part in (data[:half], data[half:]))


def streamed_zstd(data):
    # A frame that does not state its length.
    writer = zstd.ZstdCompressor()
    return writer.compress(data) + writer.flush()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "two gzip members": lambda d: gzip.compress(d[:999]) + gzip.compress(d[999:]),
    "zstd": zstd.compress,
    "two zstd frames": framed_zstd,
    "streamed zstd": streamed_zstd,
    "zip of two": zipped,
}


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
def test_any_packing_gives_the_same_bytes(tmp_path, pack):
    path = tmp_path / "capture"
    path.write_bytes(pack(PLAIN))
    seen: list[int] = []
    assert b"".join(blocks(str(path), seen.append)) == PLAIN
    assert sum(seen) >= path.stat().st_size
    assert head(str(path)) == PLAIN[: 64 << 10]
    assert size_of(str(path)) == path.stat().st_size


@pytest.mark.parametrize("name", ["gzip", "zstd", "streamed zstd", "two zstd frames", "zip of two"])
@pytest.mark.parametrize("cut", [0.1, 0.5, 0.99])
def test_a_cut_file_is_refused_after_what_it_holds(tmp_path, name, cut):
    packed = PACKERS[name](PLAIN)
    path = tmp_path / "capture"
    path.write_bytes(packed[: int(len(packed) * cut)])
    held = bytearray()
    with pytest.raises(MarketDataError) as caught:
        for block in blocks(str(path)):
            held += block
    assert (caught.value.code, caught.value.detail) == ("E_REC_IMPORT", "truncated")
    assert str(path) in caught.value.key
    assert PLAIN.startswith(bytes(held))
    if "zip of" not in name and cut > 0.4:
        assert len(held) > 0


def test_a_damaged_file_is_refused(tmp_path):
    packed = bytearray(gzip.compress(PLAIN))
    packed[len(packed) // 2] ^= 0xFF
    path = tmp_path / "capture.gz"
    path.write_bytes(packed)
    with pytest.raises(MarketDataError, match="E_REC_IMPORT:truncated"):
        list(blocks(str(path)))


def test_hashing_reads_the_file_as_it_stands(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"abc")
    assert sha256_of(str(path)).startswith("ba7816bf")


@pytest.mark.parametrize("read", [size_of, sha256_of, lambda p: list(blocks(p))])
def test_an_absent_file_is_refused_by_name(tmp_path, read):
    with pytest.raises(MarketDataError, match=r"E_REC_IMPORT: file=.*absent"):
        read(str(tmp_path / "absent"))


def test_a_directory_is_no_source(tmp_path):
    with pytest.raises(MarketDataError, match="is a directory"):
        size_of(str(tmp_path))
