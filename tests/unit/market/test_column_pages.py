"""Columns as the core decodes them, against Arrow's own decoder, in every encoding it writes."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.market.catalogs import MIDNIGHT_NS, SYMBOL, VENUE, level, write_catalog

from mmbot.errors import MarketDataError
from mmbot.market.column_pages import column_batches
from mmbot.market.parts import Part, Root
from mmbot.market.schema import BOOK_SCHEMA, BookKind

NAMES = BOOK_SCHEMA.names
DELTA = "DELTA_BINARY_PACKED"
LONGS = ("ts_ns", "recv_ns", "update_id", "seq", "px", "qty")


def batches_of(root):
    (part,) = root.parts("book", venue=VENUE, symbol=SYMBOL)
    return list(column_batches(root, part, NAMES))


def joined(batches):
    return {name: np.concatenate([batch[name] for batch in batches]).tolist() for name in NAMES}


@st.composite
def columns(draw):
    """Columns of any shape: constant, stepping, few values, all bits."""
    count = draw(st.integers(1, 3_000))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    made = {}
    for field in BOOK_SCHEMA:
        wide = 2**63 - 1 if field.type == pa.int64() else 255
        low = -wide - 1 if field.type == pa.int64() else 0
        shape = draw(st.sampled_from(["constant", "steps", "few", "any"]))
        if shape == "constant":
            values = np.full(count, low)
        elif shape == "steps":
            values = np.minimum(np.arange(count) // random.integers(1, 9), 255)
        elif shape == "few":
            values = random.integers(0, wide, 5)[random.integers(0, 5, count)]
        else:
            values = random.integers(low, wide, count)
        made[field.name] = values.astype(field.type.to_pandas_dtype())
    return made


@st.composite
def options(draw):
    """How a writer may have been asked to write them."""
    plain = draw(st.booleans())
    return {
        "compression": draw(st.sampled_from(["zstd", "snappy", "gzip", "lz4", "brotli", "none"])),
        "use_dictionary": [] if plain else draw(st.lists(st.sampled_from(NAMES), unique=True)),
        "column_encoding": dict.fromkeys(draw(st.lists(st.sampled_from(LONGS))), DELTA),
        "data_page_version": draw(st.sampled_from(["1.0", "2.0"])),
        "data_page_size": draw(st.sampled_from([100, 1_000, 1 << 20])),
        "dictionary_pagesize_limit": draw(st.sampled_from([200, 1 << 20])),
        "row_group_size": draw(st.integers(100, 4_000)),
        "write_page_checksum": draw(st.booleans()),
    }


@settings(max_examples=60)
@given(made=columns(), how=options(), nullable=st.booleans(), rows=st.integers(1, 2_000))
def test_every_encoding_reads_as_arrow_reads_it(tmp_path_factory, made, how, nullable, rows):
    schema = pa.schema([field.with_nullable(nullable) for field in BOOK_SCHEMA])
    table = pa.table(made, schema=schema)
    in_delta = {
        name: encoding
        for name, encoding in how["column_encoding"].items()
        if name not in how["use_dictionary"]
    }
    path = tmp_path_factory.mktemp("part") / "x.parquet"
    pq.write_table(table, path, **{**how, "column_encoding": in_delta})
    part = Part("book", VENUE, SYMBOL, 0, 0, str(path), path.stat().st_size)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mmbot.market.column_pages._BATCH_ROWS", rows)
        batches = list(column_batches(Root(path.parent), part, NAMES))
    assert max(len(batch["px"]) for batch in batches) <= rows
    assert {column.dtype for column in batches[0].values()} == {np.dtype("i8"), np.dtype("u1")}
    assert joined(batches) == pq.read_table(path).to_pydict()


@pytest.fixture
def root(tmp_path):
    rows = [
        level(MIDNIGHT_NS + i // 5, MIDNIGHT_NS + i, i // 5, BookKind.DELTA, i % 2, 5 + i % 9, i)
        for i in range(20_000)
    ]
    write_catalog(tmp_path, rows)
    return Root(tmp_path)


def test_a_part_behind_a_url_reads_alike(root):
    (part,) = root.parts("book", venue=VENUE, symbol=SYMBOL)
    remote = Root("memory://pages")
    remote.fs.makedirs(remote.path, exist_ok=True)
    with remote.fs.open(f"{remote.path}/x", "wb") as target:
        target.write(Path(part.path).read_bytes())
    there = Part("book", VENUE, SYMBOL, 0, 0, f"{remote.path}/x", part.size_bytes)
    assert joined(list(column_batches(remote, there, NAMES))) == joined(batches_of(root))


def test_damaged_bytes_are_refused_by_file_and_row_or_change_values(root):
    """No damage between the first and the last page ends in anything but the typed error."""
    (part,) = root.parts("book", venue=VENUE, symbol=SYMBOL)
    whole = Path(part.path).read_bytes()
    pages_end = whole.rindex(b"PAR1") - int.from_bytes(whole[-8:-4], "little") - 4
    found: list[MarketDataError] = []
    for at in range(4, pages_end, max(1, pages_end // 400)):
        broken = bytearray(whole)
        broken[at] ^= 0xFF
        Path(part.path).write_bytes(broken)
        try:
            batches_of(root)
        except MarketDataError as error:
            found.append(error)
    assert len(found) > 50
    assert {error.code for error in found} == {"E_MD_FRAME"}
    assert all("part-00-0.parquet row=" in error.key for error in found)


def test_a_row_group_that_was_cut_is_refused(root):
    (part,) = root.parts("book", venue=VENUE, symbol=SYMBOL)

    class Cut(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(size)[:100]

    def cut(self, part):
        return Cut(Path(part.path).read_bytes())

    with pytest.MonkeyPatch.context() as patch, pytest.raises(MarketDataError) as caught:
        patch.setattr(Root, "open_bytes", cut)
        list(column_batches(root, part, NAMES))
    assert (caught.value.code, caught.value.key.endswith("row=0")) == ("E_MD_FRAME", True)
