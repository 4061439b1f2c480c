"""Rows that come a few at a time are the parts that they would be at once."""

import pyarrow.parquet as pq
import pytest
from tests.unit.market.catalogs import MIDNIGHT_NS, level, series, table

from mmbot.market.parts import Root
from mmbot.market.record_parts import PartSeries
from mmbot.market.schema import BookKind
from mmbot.units import NS_PER_MIN, NS_PER_SEC

ROWS = [
    level(MIDNIGHT_NS + number * NS_PER_SEC, MIDNIGHT_NS, number, BookKind.DELTA, 0, number, 1)
    for number in range(20 * 60)
]


@pytest.mark.parametrize("at_once", [1, 2, 7, 1_000])
def test_parts_do_not_depend_on_how_many_rows_come_at_once(tmp_path, at_once):
    parts = PartSeries(Root(tmp_path), series(), "book", tag="t")
    for begin in range(0, len(ROWS), at_once):
        parts.add(table("book", ROWS[begin : begin + at_once]))
    assert parts.waiting == len(ROWS)
    parts.write_due(all_rows=True)
    assert (parts.waiting, parts.rows, parts.parts) == (0, len(ROWS), 2)
    files = sorted(tmp_path.rglob("*.parquet"))
    found = [pq.read_table(file).column("px").to_pylist() for file in files]
    first = 15 * NS_PER_MIN // NS_PER_SEC
    assert found == [list(range(first)), list(range(first, len(ROWS)))]
